import { adminRoutes } from './admin-routes.js'
import type { Route } from './route.js'
import { readRoutes, toolRoutes } from './tool-routes.js'

/** Every route of the REST API, all of them under `/v1`. */
export const routes: readonly Route[] = [...toolRoutes, ...readRoutes, ...adminRoutes]
