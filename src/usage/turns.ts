/** Lets what goes by one name be done one after another, within this process. Nothing of a name is kept once nobody waits for it. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>()

  /** Does the work once what was asked for before under this name is over, however that ended. */
  take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(name) ?? Promise.resolve()).then(work)
    const end = (): void => {
      if (this.#last.get(name) === over) this.#last.delete(name)
    }
    const over = turn.then(end, end)
    this.#last.set(name, over)
    return turn
  }
}
