/** What other rooms use of the catalog; everything else here is its own affair. */
export { unitsWithin } from './afford.js'
export { assumedFigures } from './assumed.js'
export { cheaperBatches } from './batching.js'
export { bundledCatalogs } from './bundled.js'
export { type CampaignEstimate, type CampaignRequest, cheaperCampaigns, estimateCampaign } from './campaign.js'
export {
  AUTO,
  type Catalog,
  offerOf,
  type Operation,
  type Pack,
  type Plan,
  type RecurringItem,
  type Threshold,
  TOOL_OPERATION,
  type ToolMapping,
} from './catalog.js'
export { type Difference, difference } from './difference.js'
export { catalogFromTools, type DescribedTool, type Edited, withPrice } from './edit.js'
export { catalogJsonSchema } from './json-schema.js'
export { actualOfToolResult, priceToolCall, type ToolActual } from './map-tool.js'
export {
  type CatalogProblem,
  describeProblems,
  catalogFromSource,
  type ParsedCatalog,
  parseCatalog,
} from './parse-catalog.js'
export { parseCatalogText } from './parse-text.js'
export { type PickedVariant, type PickRequest, pickVariant } from './pick-variant.js'
export {
  priceActual,
  type Priced,
  type PricedActual,
  pricedFromJson,
  type PricedLine,
  pricedToJson,
  type PriceProblem,
  type PriceRequest,
  quotePrice,
} from './quote-price.js'
export { recurringCost, type RecurringSegment } from './recurring.js'
export { renderCredits, renderOperationPrice, renderPrice, renderToolPrice } from './render-price.js'
export type { CatalogDocument, Fault } from './schema.js'
