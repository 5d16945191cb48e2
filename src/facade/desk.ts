import type { Actor, Command, CommandOf } from '../decide/command.js'
import { unknownAccount } from '../decide/decide.js'
import type { Done } from '../decide/outcome.js'
import { CreditError } from '../errors.js'
import type { Holder } from '../ledger/reservation.js'
import { errorOf, type Ledger } from '../usage/ledger.js'
import { fingerprintOf } from './read-input.js'

/** On whose behalf something is asked, all of it said. */
export interface Acting {
  /** The account of calls that name none. */
  readonly account: string | null
  readonly holder: Holder
  readonly key: string | null
  /** In whose name it spends; a key brings its own member. */
  readonly member: string | null
  /** The run that the work belongs to, for budgets that count each run apart. */
  readonly run: string | null
}

/** What every write takes. */
interface AskedWrite {
  readonly account?: string | undefined
  readonly idempotencyKey?: string | undefined
}

/** A ledger and the party that stands before it: what every question and every write of the facade is made with. */
export class Desk {
  readonly ledger: Ledger
  readonly party: Acting

  constructor(ledger: Ledger, party: Acting) {
    this.ledger = ledger
    this.party = party
  }

  get actor(): Actor {
    const { key, member, run, holder } = this.party
    return { key, member, run, holder }
  }

  /**
   * The account that is meant.
   *
   * @throws CreditError `invalid_request` where none is named; `unknown_account` for another than the party's key is of,
   * since to a key other accounts are not there
   */
  accountOf(account: string | undefined): string {
    const { account: own, key } = this.party
    const id = account ?? own
    if (id !== null && own !== null && key !== null && id !== own) throw errorOf(unknownAccount(id))
    if (id !== null) return id
    throw new CreditError('invalid_request', 'account: expected the id of an account', { details: { field: 'account' } })
  }

  /**
   * What concerns every account, or the prices of all, is for the operator alone: a key is one account's, whatever its
   * scopes.
   *
   * @throws CreditError `forbidden` for a party with a key and for one that is no operator
   */
  wholeLedger(): Ledger {
    if (this.party.key === null && this.party.holder === 'operator') return this.ledger
    throw new CreditError('forbidden', 'This concerns the whole ledger; a key acts for its own account alone', {
      advice: ['Whoever has the database is the operator: leave out --key and MCP_CREDITS_KEY.'],
    })
  }

  /**
   * Has a command decided and committed.
   *
   * @param same what makes it the same request, where the facts hold something that was made up for it
   * @throws CreditError with the refusal
   */
  write<K extends Command['kind']>(
    kind: K,
    asked: AskedWrite,
    facts: Omit<CommandOf<K>, 'kind' | 'account' | 'actor' | 'idempotencyKey' | 'fingerprint'>,
    same: object = facts,
  ): Promise<Done> {
    return this.ledger.update({ kind, ...this.signed(kind, asked, same), ...facts } as unknown as Command)
  }

  /** Who asks for a write and of which account, with its key and the text by which the same request is known again. */
  signed(kind: Command['kind'], asked: AskedWrite, same: object) {
    const idempotencyKey = asked.idempotencyKey ?? null
    const fingerprint = idempotencyKey === null ? null : fingerprintOf(kind, same)
    return { account: this.accountOf(asked.account), actor: this.actor, idempotencyKey, fingerprint }
  }
}
