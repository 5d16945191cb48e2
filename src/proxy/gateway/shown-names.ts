/** What one server calls its tools, or its prompts. */
export interface OfferedNames {
  readonly server: string
  readonly names: readonly string[]
}

/** Whose a name is: the server's place in the list, and what that server calls it. */
export interface Origin {
  readonly server: number
  readonly name: string
}

export interface ShownNames {
  /** By the name that clients see. */
  readonly origins: ReadonlyMap<string, Origin>
  /** Names that more than one server uses, each with the names under which they are shown instead. */
  readonly clashes: ReadonlyMap<string, readonly string[]>
}

/**
 * The names under which clients see what several servers offer. A name that one server alone uses stays as it is, because
 * its documentation and its users' habits refer to it. One that several use takes its server before it, at each of them, as
 * often as it needs to be free: none of them is then called by who meant another, whichever order they stand in.
 */
export function shownNames(offered: readonly OfferedNames[]): ShownNames {
  const usedBy = new Map<string, number>()
  for (const { names } of offered) for (const name of new Set(names)) usedBy.set(name, (usedBy.get(name) ?? 0) + 1)
  // What only a clash has made free is taken as well: whoever knows it means what it was before.
  const taken = new Set(usedBy.keys())
  const origins = new Map<string, Origin>()
  const clashes = new Map<string, string[]>()
  offered.forEach(({ server, names }, index) => {
    for (const name of new Set(names)) {
      if (usedBy.get(name) === 1) {
        origins.set(name, { server: index, name })
        continue
      }
      let shown = `${prefixOf(server)}_${name}`
      while (taken.has(shown)) shown = `${prefixOf(server)}_${shown}`
      taken.add(shown)
      origins.set(shown, { server: index, name })
      clashes.set(name, [...(clashes.get(name) ?? []), shown])
    }
  })
  return { origins, clashes }
}

/** A server's name as the names of tools allow it. */
function prefixOf(server: string): string {
  return server.replace(/[^A-Za-z0-9_.-]/g, '_')
}
