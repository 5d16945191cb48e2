import { z } from 'zod'
import type { Credits } from '../credits.js'
import { CreditError } from '../errors.js'
import { inWordsOf } from '../facade/field-names.js'
import { readInput } from '../facade/read-input.js'
import type { DoorScope } from '../keys/key.js'
import { fromWire, toWire, wireName } from '../wire.js'
import { HttpRefusal } from './http-refusal.js'

export type Method = 'get' | 'post' | 'put' | 'delete'

/** On the answer to a write that was answered before: nothing was done now. */
export const REPLAYED_HEADER = 'Idempotency-Replayed'

export type Wire = Readonly<Record<string, unknown>>

/** What a route answers: its schema, names as on the wire, and an answer as it comes. */
export interface Answer {
  /** What its schema is called among all. */
  readonly name: string
  readonly schema: z.ZodObject
  readonly example: Wire
}

/** One method at one path, and all there is to know of it: it is served and described from the same row. */
export interface Route {
  readonly method: Method
  /** Its parameters in braces: `/v1/admin/budgets/{id}`. Each is a field of the input. */
  readonly path: string
  readonly operation: string
  readonly group: 'tools' | 'reads' | 'admin'
  /** The tool that it calls; null for what is no tool. */
  readonly tool: string | null
  readonly summary: string
  readonly description?: string
  readonly scope: DoorScope
  /** Whether it writes, or may: it then takes an idempotency key. */
  readonly isWrite: boolean
  /** Whether a request with this input writes; the header's key is of such a request alone. */
  readonly isWriting: (input: Wire) => boolean
  /** Whether it can be refused for what is not paid for: credits, a limit, a plan or a price is missing (402). */
  readonly isRefusedUnpaid: boolean
  /** Every field, names as on the wire: those of the path, and those of the body or the query. */
  readonly input: z.ZodObject
  /** An input that makes sense, the fields of the path among it. */
  readonly example: Wire
  readonly answer: Answer
  /** Answers with names as on the wire. @throws CreditError in the names of the wire */
  run(credits: Credits, input: Wire): Promise<object>
}

/** A route of the operator as it stands in its table. */
export interface AdminDefinition<Schema extends z.ZodObject> extends Pick<Route, 'method' | 'path' | 'operation' | 'summary' | 'example' | 'answer'> {
  readonly description?: string
  /** Left out where it is never refused for money. */
  readonly isRefusedUnpaid?: boolean
  /** What the facade takes, names as in the library. */
  readonly input: Schema
  /** One facade call. */
  readonly run: (credits: Credits, input: z.input<Schema>) => Promise<object>
}

/** What the operator does: one facade call, whose input and answer change their names on the way and nothing else. */
export function adminRoute<Schema extends z.ZodObject>(definition: AdminDefinition<Schema>): Route {
  const { input, run, isRefusedUnpaid = false, ...rest } = definition
  const wireInput = withWireNames(input)
  const isWrite = 'idempotency_key' in wireInput.shape && rest.method !== 'get'
  return {
    ...rest,
    group: 'admin',
    tool: null,
    scope: 'admin',
    isWrite,
    isWriting: () => isWrite,
    isRefusedUnpaid,
    input: wireInput,
    run: async (credits, asked) => {
      readInput(wireInput, asked)
      try {
        // What was read above is checked again by the facade, which says more exactly than a schema what is wrong.
        return toWire(await run(credits, fromWire(asked) as z.input<Schema>)) as object
      } catch (error) {
        throw error instanceof CreditError ? overHttp(error) : error
      }
    },
  }
}

/** Of a catalog that a request brings along 500 would say that the fault is ours. */
function overHttp(error: CreditError): Error {
  return error.code === 'catalog_invalid' ? new HttpRefusal(422, error) : inWordsOf(error, wireName)
}

/** The fields of an input as they are named on the wire. What its fields must be together, the facade checks. */
function withWireNames(schema: z.ZodObject): z.ZodObject {
  return z.strictObject(Object.fromEntries(Object.entries(schema.shape).map(([name, field]) => [wireName(name), field])))
}

/** The parameters of a path, in its order. */
export function pathParameters(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
}

/** The fields that do not stand in the path: those of the body, or of the query where there is no body. */
export function fieldsBesidePath({ path, input, isWrite, method }: Route): readonly string[] {
  const inPath = pathParameters(path)
  const names = Object.keys(input.shape).filter((name) => !inPath.includes(name))
  // In a query it would stand in every log on the way: without a body the key has its header.
  return isWrite && !hasBody(method) ? names.filter((name) => name !== 'idempotency_key') : names
}

export function hasBody(method: Method): boolean {
  return method === 'post' || method === 'put'
}
