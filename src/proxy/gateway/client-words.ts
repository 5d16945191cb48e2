import type { JsonObject } from '../../json/json-rpc.js'
import { Remembered } from '../remembered.js'
import type { ListKind } from './offered-lists.js'
import type { SupervisedServer } from './supervised-server.js'

/** The client's last words that hold on: a server that was started anew is told them again. */
export class ClientWords {
  /** Its `notifications/initialized`, as it came. */
  initialized: string | undefined
  /** The params of its last `logging/setLevel`. */
  logLevel: JsonObject | undefined
  /** What the era wants in the params of each request. */
  envelope: JsonObject = {}
  /** Lists that it knows, and so would want to hear changes of. */
  readonly askedLists = new Set<ListKind>()
  /** Resources that it watches, each with the server that it watches them at. */
  readonly watched: Remembered<SupervisedServer>

  constructor(max: number) {
    this.watched = new Remembered(max)
  }
}
