import { assumed, operationId, slug, strict } from './schema-values.js'

const post = strict({
  operation: operationId.describe('The operation that one post is; its price has to count its quantity.'),
  variant: slug.optional().describe('The variant of that operation; its default variant unless given.'),
  assumed,
})

/** How a campaign's posts are priced: platforms × weeks × posts a week, as that many units of an operation. */
export const campaignSchema = strict({
  complexities: strict({
    standard: post.describe('What a post is unless the request says otherwise.'),
    complex: post.optional().describe('What a post of a complex campaign is.'),
  }).describe('What one post is, by the complexity of the campaign.'),
  assumed,
}).meta({ id: 'campaign', description: 'Prices a campaign of posts before it is launched.' })
