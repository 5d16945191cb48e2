/** What a key stands for, for as many keys as are remembered. The one that was told longest ago is forgotten first. */
export class Remembered<Value> {
  readonly #max: number
  readonly #values = new Map<string, Value>()

  constructor(max: number) {
    this.#max = max
  }

  get(key: string): Value | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: Value): void {
    this.#values.delete(key)
    this.#values.set(key, value)
    const [oldest] = this.#values.keys()
    if (this.#values.size > this.#max && oldest !== undefined) this.#values.delete(oldest)
  }

  delete(key: string): void {
    this.#values.delete(key)
  }

  values(): readonly Value[] {
    return [...this.#values.values()]
  }

  keysOf(value: Value): readonly string[] {
    return [...this.#values].flatMap(([key, held]) => (held === value ? [key] : []))
  }
}
