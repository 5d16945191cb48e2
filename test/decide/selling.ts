import { expect } from 'vitest'
import { bundledCatalogs } from '../../src/catalog/bundled.js'
import { parseCatalog } from '../../src/catalog/parse-catalog.js'
import type { CatalogVersion } from '../../src/catalog/version.js'
import type { Command, CommandOf } from '../../src/decide/command.js'
import type { Done, Outcome } from '../../src/decide/outcome.js'
import type { NewAccount } from '../../src/ledger/account.js'
import type { Grant } from '../../src/ledger/grant.js'
import { parseCredits, toCredits } from '../../src/money/credits.js'
import type { Instant } from '../../src/time/instant.js'
import { MemoryLedger } from './memory-ledger.js'

/** A product that sells a pack with a bonus, one that expires and one that is never refunded, and keeps storage and domains. */
export const SELLING_DOCUMENT = {
  id: 'selling',
  name: 'Selling',
  unit: { name: 'credit', plural: 'credits', credit_usd: null },
  price_increase_notice_days: 0,
  operations: {
    unit: { name: 'Unit', price: { model: 'per_unit', credits: '1' } },
    job: { name: 'Job', price: { model: 'range', minimum: '2', maximum: '10' }, charge_on_fault: ['caller'] },
  },
  tools: { work: { operation: 'unit' } },
  plans: { monthly: { name: 'Monthly', monthly_credits: '20', price_usd: '5', rollover: { kind: 'none' } } },
  packs: {
    boost: {
      name: 'Boost',
      price_usd: '9.99',
      parts: [{ kind: 'paid', credits: '200' }, { kind: 'bonus', credits: '50' }],
      expiry: { kind: 'while_active' },
      refund: { days: 30, max_used_percent: 25 },
    },
    yearly: {
      name: 'Yearly',
      price_usd: '10',
      parts: [{ kind: 'paid', credits: '100' }],
      expiry: { kind: 'months', months: 12 },
      refund: {},
    },
    final: { name: 'Final', price_usd: '1', parts: [{ kind: 'paid', credits: '10' }], expiry: { kind: 'never' } },
  },
  recurring_items: {
    storage: { name: 'Storage', unit: { name: 'gigabyte', plural: 'gigabytes' }, price_per_unit_hour: '0.01' },
    domain: { name: 'Domain', unit: { name: 'domain', plural: 'domains' }, price_per_unit_hour: '0.5' },
  },
}

export type SellingDocument = typeof SELLING_DOCUMENT

export const SELLING = catalogOf(SELLING_DOCUMENT)

/** Versions of a catalog, each with the instant from which it holds. */
export function catalogOf(document: unknown, ...later: readonly (readonly [Instant, unknown])[]): readonly CatalogVersion[] {
  return [[0, document] as const, ...later].map(([effectiveAt, content], index) => {
    const parsed = parseCatalog(content)
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    return { version: index + 1, effectiveAt, announcedAt: effectiveAt, catalog: parsed.catalog }
  })
}

export function bundled(name: keyof typeof bundledCatalogs): readonly CatalogVersion[] {
  return catalogOf(bundledCatalogs[name])
}

export const OPERATOR = { key: null, member: null, holder: 'operator', run: null } as const

type Facts<K extends Command['kind']> = Omit<CommandOf<K>, 'kind' | 'account' | 'actor' | 'idempotencyKey' | 'fingerprint'>

/** One account with a product, at instants of ISO text; the whole ledger is audited after each command. */
export class Shop {
  readonly ledger: MemoryLedger
  #key: string | null = null

  constructor(catalogs: readonly CatalogVersion[], at: string, settings: Partial<NewAccount> & { readonly plan?: string } = {}) {
    const { plan = 'none', ...given } = settings
    this.ledger = new MemoryLedger(catalogs)
    const account = { id: 'acme', timeZone: 'UTC', parent: null, isTest: false, debtMax: 0n, labelSalt: 'salt', ...given }
    this.done(at, 'create_account', { settings: account, plan })
  }

  /** The next command carries this idempotency key. */
  withKey(key: string): this {
    this.#key = key
    return this
  }

  run<K extends Command['kind']>(at: string, kind: K, facts: Facts<K>): Outcome {
    const key = this.#key
    this.#key = null
    const command = { kind, account: 'acme', actor: OPERATOR, idempotencyKey: key, fingerprint: key === null ? null : 'same', ...facts }
    const outcome = this.ledger.run(command as unknown as Command, Date.parse(at))
    expect(this.ledger.problems()).toEqual([])
    return outcome
  }

  done<K extends Command['kind']>(at: string, kind: K, facts: Facts<K>): Done {
    const outcome = this.run(at, kind, facts)
    if (outcome.kind === 'refused') throw new Error(`${kind} was refused: ${JSON.stringify(outcome.refusal)}`)
    return outcome
  }

  /** The refusal; it posts nothing beyond what was due by then. */
  refused<K extends Command['kind']>(at: string, kind: K, facts: Facts<K>) {
    this.sweep(at)
    const before = this.ledger.journal.length
    const outcome = this.run(at, kind, facts)
    if (outcome.kind === 'done') throw new Error(`${kind} was not refused`)
    expect(this.ledger.journal).toHaveLength(before)
    return outcome.refusal
  }

  buy(at: string, pack: string, more: Partial<Facts<'purchase'>> = {}): Done {
    return this.done(at, 'purchase', { ...purchaseOf(pack), ...more })
  }

  charge(at: string, credits: number): Done {
    const actual = { actual: undefined, usage: undefined }
    const subject = { kind: 'operation', operation: 'unit', variant: null, quantity: credits, args: null, actual } as const
    return this.done(at, 'charge', { subject, labels: null })
  }

  give(at: string, credits: string, more: Partial<Facts<'grant'>> = {}): Done {
    const facts = { source: 'adjustment', priority: 20, isPaid: false, effectiveAt: null, expiresAt: null, reason: null }
    return this.done(at, 'grant', { amount: parseCredits(credits, 'credits'), ...facts, ...more })
  }

  sweep(at: string): void {
    this.done(at, 'sweep', {})
  }

  get balance(): number {
    return toCredits(this.ledger.account?.books.available ?? 0n)
  }

  /** What a book of the account holds, in credits. */
  book(name: 'uncollected' | 'spent' | 'revoked'): number {
    return toCredits(this.ledger.account?.books[name] ?? 0n)
  }

  get pending(): number {
    return toCredits(this.ledger.account?.pending ?? 0n)
  }

  get grants(): readonly Grant[] {
    return [...this.ledger.grants.values()]
  }
}

export function purchaseOf(pack: string): Facts<'purchase'> {
  return { pack, isSettled: true, isSelfService: false, budget: null, provider: 'manual', reference: null }
}

/** Who bought, what became of it: the id of the purchase that an outcome is about. */
export function purchaseId({ record }: Done): string {
  if (record?.kind !== 'purchase') throw new Error('it is about no purchase')
  return record.id
}
