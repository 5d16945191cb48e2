import { accountRoutes } from './account-routes.js'
import { catalogRoutes } from './catalog-routes.js'
import { limitRoutes } from './limit-routes.js'
import { reportRoutes } from './report-routes.js'
import type { Route } from './route.js'
import { saleRoutes } from './sale-routes.js'

/** Whatever the operator does from the command line, one facade call a route. They all take a key with the scope `admin`. */
export const adminRoutes: readonly Route[] = [...accountRoutes, ...saleRoutes, ...limitRoutes, ...catalogRoutes, ...reportRoutes]
