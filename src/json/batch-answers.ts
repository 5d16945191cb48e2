/** The answers to the members of one batch. They leave together, as one array, once the last of them is in. */
export class BatchAnswers {
  readonly #answers: string[] = []
  #open: number

  /** @param count the members that are answered: the requests, and what could not be read */
  constructor(count: number) {
    this.#open = count
  }

  /** Whether every member has had its say. */
  get isComplete(): boolean {
    return this.#open === 0
  }

  /**
   * Takes the answer to one member as JSON, or null where the client expects none any more (it cancelled). Returns the
   * line to send if that was the last, unless nothing is left to say.
   */
  add(answer: string | null): string | undefined {
    if (answer !== null) this.#answers.push(answer.trim())
    this.#open -= 1
    return this.#open === 0 && this.#answers.length > 0 ? `[${this.#answers.join(',')}]` : undefined
  }
}
