/** An amount for people: `1,000`, `0.02`. */
export function credits(amount: number): string {
  return formatWith(CREDITS, amount)
}

/** An amount with the catalog's name for it: `1 credit`, `1,000 credits`. */
export function creditsOf(amount: number, unit: { readonly name: string; readonly plural: string }): string {
  return `${credits(amount)} ${amount === 1 ? unit.name : unit.plural}`
}

/** How many of what: `1 call`, `1,000 calls`. */
export function count(number: number, noun: string): string {
  return `${credits(number)} ${number === 1 ? noun : `${noun}s`}`
}

/** From-to, or one figure where both are the same. */
export function range(minimum: number, maximum: number): string {
  return minimum === maximum ? credits(minimum) : `${credits(minimum)} to ${credits(maximum)}`
}

/** The same with its unit: `1 credit`, `1 to 3 credits`. */
export function creditRange(minimum: number, maximum: number): string {
  return `${range(minimum, maximum)} ${minimum === 1 && maximum === 1 ? 'credit' : 'credits'}`
}

/** Dollars, to the cent and further only where there is more: `$0.60`, `$0.0125`. */
export function usd(amount: number): string {
  return `$${formatWith(DOLLARS, amount)}`
}

const CREDITS: Intl.NumberFormatOptions = { maximumFractionDigits: 6 }
const DOLLARS: Intl.NumberFormatOptions = { minimumFractionDigits: 2, maximumFractionDigits: 6 }

/** Made by the first number: a formatter takes longer than all else that a start does before it serves. */
function formatWith(options: Intl.NumberFormatOptions, amount: number): string {
  const format = formats.get(options) ?? new Intl.NumberFormat('en-US', options)
  formats.set(options, format)
  return format.format(amount)
}

const formats = new Map<Intl.NumberFormatOptions, Intl.NumberFormat>()

/**
 * An instant as a person in `timeZone` would write it, `2026-12-01 00:00 Europe/Berlin`. By `Intl`, so that no command
 * loads a calendar only to print a date.
 */
export function moment(iso: string, timeZone: string): string {
  return `${localTime(iso, timeZone)} ${timeZone}`
}

/** The same without the zone, for a column whose head names it. */
export function localTime(iso: string, timeZone: string): string {
  const named = Object.fromEntries(
    new Intl.DateTimeFormat('en-GB', { timeZone, ...FIELDS }).formatToParts(new Date(iso)).map(({ type, value }) => [type, value]),
  )
  return `${named['year']}-${named['month']}-${named['day']} ${named['hour']}:${named['minute']}`
}

const FIELDS = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
