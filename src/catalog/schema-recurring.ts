import { assumed, creditsPerHour, label, noun, strict } from './schema-values.js'

/** What is paid for as long as it is kept: storage, domains, connected accounts. */
export const recurringItemSchema = strict({
  name: label,
  unit: noun.describe('What its quantity counts, such as a gigabyte.'),
  price_per_unit_hour: creditsPerHour.describe(
    'What one unit costs for one hour, up to nine decimals. A month is rounded up once, as a whole.',
  ),
  assumed,
}).meta({ id: 'recurring_item', description: 'Something that is paid by the hour for as long as it is kept.' })
