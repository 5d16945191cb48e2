import { describe, expect, it } from 'vitest'
import { type PickedVariant, type PickRequest, pickVariant } from '../../src/catalog/pick-variant.js'
import { describeProblems } from '../../src/catalog/parse-catalog.js'
import { catalogWith, documentWith, problemsOf } from './support.js'

const each = (credits: string) => ({ model: 'per_unit', credits })

const catalog = catalogWith({
  plans: {
    free: { name: 'Free', monthly_credits: '1', price_usd: '0', rollover: { kind: 'none' } },
    build: { name: 'Build', monthly_credits: '1', price_usd: '9', rollover: { kind: 'none' } },
  },
  operations: {
    'image.generate': {
      name: 'Image',
      default_variant: 'ultra',
      variants: {
        sketch: { name: 'Sketch', price: each('2'), capabilities: { width: 512, style: 'line' } },
        flux: { name: 'Flux', price: each('10'), capabilities: { width: 1024, formats: ['png', 'webp'], style: 'photo' } },
        ultra: {
          name: 'Ultra',
          price: each('40'),
          capabilities: { width: 4096, formats: ['png'], transparency: true, style: 'photo', watermark: false },
        },
        twin: { name: 'Twin', price: each('10'), capabilities: { width: 1024, formats: ['png'], style: 'photo' } },
      },
    },
    'video.clip': {
      name: 'Clip',
      default_variant: 'budget',
      variants: {
        budget: { name: 'Budget', price: each('40'), capabilities: { resolution: '720p' } },
        middle: { name: 'Middle', price: each('100'), capabilities: { resolution: '4k' }, requires_plan: ['build'] },
        premium: { name: 'Premium', price: each('300'), capabilities: { resolution: '4k' } },
        studio: { name: 'Studio', price: each('500'), capabilities: { resolution: '8k' }, requires_plan: ['build'] },
      },
    },
    'audio.speak': {
      name: 'Speech',
      default_variant: 'job',
      variants: {
        job: { name: 'By the job', price: { model: 'flat', credits: '50' } },
        second: { name: 'By the second', price: each('3') },
      },
    },
    'text.chat': {
      name: 'Chat',
      default_variant: 'tokens',
      variants: {
        tokens: { name: 'Tokens', price: { model: 'pass_through', rates: { tokens: { credits: '1' } } } },
        range: { name: 'Range', price: { model: 'range', minimum: '1', maximum: '6' } },
      },
    },
    'text.caption': { name: 'Caption', price: each('1'), capabilities: { languages: ['de', 'en'] } },
  },
})

function pick(request: Partial<PickRequest>): PickedVariant {
  const picked = pickVariant(catalog, { operation: 'image.generate', args: {}, plan: null, ...request })
  if (picked.kind !== 'picked') throw new Error(picked.message)
  return picked
}

describe('the variant that is picked', () => {
  it('SN-07 AX-08: is the cheapest that meets the request, with the reason and what was passed over', () => {
    expect(pick({ args: { width: 1024, prompt: 'a fox' } })).toEqual({
      kind: 'picked',
      variant: 'flux',
      reason: 'flux is the cheapest of 3 variants that meet width 1024: 10 credits',
      passedOver: [
        { variant: 'sketch', why: 'width at most 512' },
        { variant: 'twin', why: 'costs 10 credits' },
        { variant: 'ultra', why: 'costs 40 credits' },
      ],
    })
  })

  it('SN-07: is the cheapest of all where nothing is asked, not the default one', () => {
    expect(pick({}).reason).toBe('sketch is the cheapest of 4 variants: 2 credits')
    expect(pick({ args: { prompt: 'a fox', constructor: 1, width: null, transparency: false } }).variant).toBe('sketch')
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['a number is the most', { width: 512 }, 'sketch'],
    ['a number above it', { width: 512.5 }, 'flux'],
    ['the same text', { style: 'photo' }, 'flux'],
    ['a text in a list', { formats: 'webp' }, 'flux'],
    ['a list within a list', { formats: ['png', 'webp'] }, 'flux'],
    ['true', { transparency: true }, 'ultra'],
    ['several at once', { formats: 'png', width: 2000 }, 'ultra'],
  ])('AX-08: %s decides', (_what, args, variant) => {
    expect(pick({ args }).variant).toBe(variant)
  })

  it.each<[string, Record<string, unknown>, string]>([
    [
      'more than any can',
      { width: 5000 },
      'Nothing that image.generate offers meets width 5000: sketch has width at most 512; flux has width at most 1024; twin has width at most 1024; ultra has width at most 4096',
    ],
    [
      'a text that none has',
      { style: 'oil', transparency: true },
      'Nothing that image.generate offers meets style oil and transparency: sketch has style only line, no transparency; flux has style only photo, no transparency; twin has style only photo, no transparency; ultra has style only photo',
    ],
    ['a number as text', { width: '512' }, 'meets width 512: sketch has width at most 512'],
    ['a text where it is yes or no', { transparency: 'much' }, 'ultra has transparency yes or no'],
    ['true where it is said to be false', { watermark: true }, 'ultra has no watermark'],
    ['an object', { style: { name: 'photo' } }, 'meets style an object: sketch has style only line'],
    ['a long text', { style: 'x'.repeat(500) }, 'meets style a text of 500 characters: sketch'],
  ])('AX-08: %s is refused with what each can do', (_what, args, message) => {
    const refused = pickVariant(catalog, { operation: 'image.generate', args, plan: null })
    expect(refused).toMatchObject({ kind: 'problem', code: 'unknown_variant' })
    expect(refused).toHaveProperty('message', expect.stringContaining(message))
  })

  it('SN-07: depends on the quantity', () => {
    expect(pick({ operation: 'audio.speak', quantity: 10 }).variant).toBe('second')
    expect(pick({ operation: 'audio.speak', quantity: 17 }).variant).toBe('job')
  })

  it('SN-07: is one that the plan allows, and says so', () => {
    const request = { operation: 'video.clip', args: { resolution: '4k' } }
    expect(pick({ ...request, plan: 'build' }).reason).toBe(
      'middle is the cheapest of 2 variants that meet resolution 4k: 100 credits',
    )
    expect(pick({ ...request, plan: 'free' })).toMatchObject({
      variant: 'premium',
      reason: 'premium is the only variant that meets resolution 4k and that the plan allows: 300 credits',
      passedOver: [
        { variant: 'budget', why: 'resolution only 720p' },
        { variant: 'middle', why: 'costs 100 credits, and requires a plan that includes it' },
        { variant: 'studio', why: 'resolution only 8k' },
      ],
    })
    expect(pick({ ...request, plan: null }).reason).toBe(
      'premium is the only variant that meets resolution 4k and that needs no plan: 300 credits',
    )
  })

  it('SN-07: where only a higher plan has one, it is that one, so that the refusal names the plan', () => {
    expect(pick({ operation: 'video.clip', args: { resolution: '8k' }, plan: 'free' })).toMatchObject({
      variant: 'studio',
      reason: 'studio is the only variant that meets resolution 8k: 500 credits, and requires a plan that includes it',
    })
  })

  it('AX-08: one without a price before its usage is known is passed over, and compared once it is', () => {
    expect(pick({ operation: 'text.chat' })).toMatchObject({
      variant: 'range',
      reason: 'range is the only variant: at most 6 credits',
      passedOver: [{ variant: 'tokens', why: 'text.chat is priced by what is used; expected usage of tokens' }],
    })
    expect(pick({ operation: 'text.chat', usage: { tokens: 5 } }).variant).toBe('tokens')
    expect(pick({ operation: 'text.chat', usage: { tokens: 7 } }).variant).toBe('range')
  })

  it('an operation without variants is taken as it is, if it meets the request', () => {
    const caption = { operation: 'text.caption', quantity: 3 }
    expect(pick({ ...caption, args: { languages: 'de' } })).toEqual({
      kind: 'picked',
      variant: null,
      reason: 'text.caption has no variants to choose from: 3 credits',
      passedOver: [],
    })
    expect(pickVariant(catalog, { ...caption, args: { languages: 'fr' }, plan: null })).toMatchObject({
      code: 'unknown_variant',
      message: 'Nothing that text.caption offers meets languages fr: it has languages only de, en',
    })
  })

  it('SN-07: counts the quantity that stands in the arguments, whichever variant they name', () => {
    const clips = catalogWith({
      operations: {
        'video.clip': {
          name: 'Clip',
          default_variant: 'job',
          variants: { job: { name: 'Job', price: { model: 'flat', credits: '50' } }, second: { name: 'Second', price: each('3') } },
          arguments: { variant: { pointer: '/tier' }, quantity: { pointer: '/seconds' } },
        },
      },
    })
    const request = { operation: 'video.clip', plan: null }
    expect(pickVariant(clips, { ...request, args: { seconds: 10, tier: 'job' } })).toMatchObject({ variant: 'second' })
    expect(pickVariant(clips, { ...request, args: { seconds: 20, tier: 'job' } })).toMatchObject({ variant: 'job' })
  })

  it('no variant is called auto, because that asks for one to be picked', () => {
    const operations = {
      'a.job': { name: 'Job', price: each('1'), default_variant: 'auto', variants: { auto: { name: 'Auto' } } },
    }
    expect(describeProblems(problemsOf(documentWith({ operations })))).toBe(
      'operations/a.job/variants/auto: found a variant, expected another id: who asks for auto has a variant picked',
    )
  })

  it('an unknown operation and a quantity that is none are refused as ever', () => {
    expect(pickVariant(catalog, { operation: 'image.paint', args: {}, plan: null })).toMatchObject({
      code: 'unknown_operation',
    })
    expect(pickVariant(catalog, { operation: 'image.generate', quantity: -1, args: {}, plan: null })).toMatchObject({
      code: 'invalid_amount',
    })
  })
})
