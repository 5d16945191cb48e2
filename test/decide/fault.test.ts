import { describe, expect, it } from 'vitest'
import type { Fault } from '../../src/decide/command.js'
import { bundled, catalogOf, SELLING, SELLING_DOCUMENT, Shop } from './selling.js'

const AT = '2026-01-15T10:00:00Z'
const SOON = '2026-01-15T10:01:00Z'
const LATE = '2026-01-15T11:00:00Z'

/** A shop with 100 credits and a job that reserved 10 of them. */
function queued(operation = 'job', catalogs = SELLING) {
  const shop = new Shop(catalogs, AT)
  shop.give(AT, '100')
  const quantity = operation === 'unit' ? 10 : null
  const subject = { kind: 'operation', operation, variant: null, quantity, args: null, actual: {} } as const
  const { reservation } = shop.done(AT, 'reserve', { subject, labels: null, ttlMs: 15 * 60_000, overrun: 'cap', call: null })
  return { shop, reservation: reservation?.id ?? '' }
}

const settle = (reservation: string, fault: Fault | null, actual: bigint | null = null) => ({
  reservation,
  fault,
  actual: actual === null ? {} : { actual },
})

describe("a job's failure", () => {
  it.each(['provider', 'platform'] as const)('ND-14, ND-16: by the fault of the %s costs nothing, also when it is settled', (fault) => {
    const { shop, reservation } = queued()
    const ended = shop.withKey('k').done(SOON, 'settle', settle(reservation, fault, 7_000_000n))
    expect(ended.transaction).toMatchObject({ kind: 'release', credits: 10_000_000n, idempotencyKey: 'k', detail: { fault, released: 10 } })
    expect(ended.reservation?.state).toBe('released')
    expect(shop.balance).toBe(100)
    expect(shop.withKey('k').done(SOON, 'settle', settle(reservation, fault, 7_000_000n)).replayed).toBe(true)
    const other = queued()
    expect(other.shop.done(SOON, 'release', { reservation: other.reservation, fault }).transaction?.kind).toBe('release')
    expect(other.shop.balance).toBe(100)
  })

  it('ND-16: that the caller caused is paid where the operation says so: all that was reserved, or what it came to', () => {
    const whole = queued()
    const released = whole.shop.withKey('k').done(SOON, 'release', { reservation: whole.reservation, fault: 'caller' })
    expect(released.transaction).toMatchObject({ kind: 'settle', credits: 10_000_000n, idempotencyKey: 'k' })
    expect(released.transaction?.detail).toMatchObject({ fault: 'caller', released: 0 })
    expect(whole.shop.balance).toBe(90)
    const part = queued()
    part.shop.done(SOON, 'settle', settle(part.reservation, 'caller', 4_000_000n))
    expect(part.shop.balance).toBe(96)
  })

  it('ND-16: that the caller caused costs nothing where the operation does not say so', () => {
    const { shop, reservation } = queued('unit')
    expect(shop.done(SOON, 'settle', settle(reservation, 'caller')).transaction?.kind).toBe('release')
    expect(shop.balance).toBe(100)
  })

  it('ND-16: is paid once, however often it is retried', () => {
    const { shop, reservation } = queued()
    shop.done(SOON, 'release', { reservation, fault: 'caller' })
    for (const fault of ['caller', 'provider', null] as const) {
      expect(shop.refused(SOON, 'release', { reservation, fault }).code).toBe('reservation_not_open')
      expect(shop.refused(SOON, 'settle', settle(reservation, fault)).code).toBe('reservation_not_open')
    }
    expect(shop.balance).toBe(90)
  })

  it('ND-16: is judged by the catalog that it was reserved by, not by a later one', () => {
    const { charge_on_fault: _, ...job } = SELLING_DOCUMENT.operations.job
    const later = { ...SELLING_DOCUMENT, operations: { ...SELLING_DOCUMENT.operations, job } }
    const { shop, reservation } = queued('job', catalogOf(SELLING_DOCUMENT, [Date.parse('2026-01-15T10:00:30Z'), later]))
    shop.done(SOON, 'release', { reservation, fault: 'caller' })
    expect(shop.balance).toBe(90)
  })

  it('after its reservation timed out: a paid one is charged as late, any other has given everything back', () => {
    const paid = queued()
    const late = paid.shop.done(LATE, 'release', { reservation: paid.reservation, fault: 'caller' })
    expect(late.transaction).toMatchObject({ kind: 'settle', credits: 10_000_000n, detail: { late: true } })
    const free = queued()
    expect(free.shop.refused(AT, 'release', { reservation: 'rs_9_0123456789', fault: 'caller' }).code).toBe('unknown_reservation')
    free.shop.sweep(LATE)
    expect(free.shop.refused(LATE, 'settle', settle(free.reservation, 'provider')).code).toBe('reservation_not_open')
    expect(free.shop.balance).toBe(100)
  })

  it('T33: a success, a cancellation and a release without a word on whose fault it was are as ever', () => {
    const success = queued()
    success.shop.done(SOON, 'settle', settle(success.reservation, null, 4_000_000n))
    expect(success.shop.balance).toBe(96)
    const released = queued()
    released.shop.done(SOON, 'release', { reservation: released.reservation, fault: null })
    expect(released.shop.balance).toBe(100)
  })

  it("ND-16: of neural-draft is paid on the caller's fault alone, for every operation that costs something", () => {
    const [version] = bundled('neural-draft')
    const operations = Object.values(version?.catalog.operations ?? {})
    const costing = operations.filter((operation) => operation.chargeOnFault.length > 0)
    expect(costing.map((operation) => operation.chargeOnFault)).toEqual(costing.map(() => ['caller']))
    expect(costing.map((operation) => operation.id)).toContain('blog.post')
  })
})
