/** What the composition root and other doors' owners use of this room. */
export { creditsHttpDoor, type HttpDoorOptions } from './http-door.js'
export { type Company, instructionsFor } from './instructions.js'
export type { Need, OpenCredits } from './ledger-access.js'
export { ownServer, type OwnTools } from './own-server.js'
export { everySecond, type Ticker } from './resource-watch.js'
export { createCreditsServer, type CreditsServerOptions } from './server.js'
export { type ServedConnection, serveCreditsOnStdio } from './serve-stdio.js'
export { readUpstreamTools, type UpstreamOptions, type UpstreamTool } from './upstream-tools.js'
