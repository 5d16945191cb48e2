import type { Actor, Command, CommandOf } from '../decide/command.js'
import { unknownAccount } from '../decide/decide.js'
import type { Done } from '../decide/outcome.js'
import { CreditError } from '../errors.js'
import type { Holder } from '../ledger/reservation.js'
import { errorOf, type Ledger } from '../usage/ledger.js'
import { type OwnPart, ownPart } from '../usage/own-keys.js'
import { fingerprintOf } from './read-input.js'

/** On whose behalf something is asked, all of it said. */
export interface Acting {
  /** The account of calls that name none. */
  readonly account: string | null
  readonly holder: Holder
  readonly key: string | null
  /** The account of an operator's key, which acts in every account; null for any other key, and without one. */
  readonly operatorOf: string | null
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

  /** Who acts in an account. In another than its own an operator's key is named with the account that it is of. */
  actorIn(account: string): Actor {
    const { key, member, run, holder, operatorOf } = this.party
    if (key === null || operatorOf === null || operatorOf === account) return { key, member, run, holder }
    return { key: `${operatorOf}/${key}`, member, run, holder, keyOf: operatorOf }
  }

  /** Whether every account is this party's to act in: the local operator's, and that of an operator's key. */
  get isOfWholeLedger(): boolean {
    const { holder, key, operatorOf } = this.party
    return holder === 'operator' && (key === null || operatorOf !== null)
  }

  /**
   * The account that is meant.
   *
   * @throws CreditError `invalid_request` where none is named; `unknown_account` for another than the party's key is of,
   * since to a key other accounts are not there, unless it is an operator's
   */
  accountOf(account: string | undefined): string {
    const { account: own, key } = this.party
    const id = account ?? own
    if (id !== null && own !== null && key !== null && id !== own && !this.isOfWholeLedger) throw errorOf(unknownAccount(id))
    if (id !== null) return id
    throw new CreditError('invalid_request', 'account: expected the id of an account', { details: { field: 'account' } })
  }

  /**
   * What concerns every account, or the prices of all, is for the operator alone: any other key is one account's.
   *
   * @throws CreditError `forbidden` for a key without the scope `operator` and for a party that is no operator
   */
  wholeLedger(): Ledger {
    if (this.isOfWholeLedger) return this.ledger
    throw new CreditError('forbidden', 'This concerns the whole ledger; a key acts for its own account alone', {
      details: { scope: 'operator' },
      advice: ['It takes a key with the scope operator.'],
    })
  }

  /** The part of an account that this party sees; null for all of it. Every read asks. @throws CreditError `unknown_account` */
  ownPart(account: string): Promise<OwnPart | null> {
    return ownPart(this.ledger, account, this.actorIn(account).key)
  }

  /**
   * The account that is meant, for what is told of an account as a whole or not at all.
   *
   * @throws CreditError `forbidden` for a key that sees a part of it, and as {@link accountOf}
   */
  async wholeAccount(account: string | undefined): Promise<string> {
    const id = this.accountOf(account)
    if ((await this.ownPart(id)) === null) return id
    throw new CreditError('forbidden', 'This concerns the whole account; this key sees its own part of it', {
      advice: ['See what is yours by usage, history and budget list, or ask whoever gave you this key.'],
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
    const account = this.accountOf(asked.account)
    return { account, actor: this.actorIn(account), idempotencyKey, fingerprint }
  }
}
