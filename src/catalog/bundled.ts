import neuralDraft from './bundled/neural-draft.json' with { type: 'json' }
import socialNeuron from './bundled/social-neuron.json' with { type: 'json' }
import soku from './bundled/soku.json' with { type: 'json' }
import starterDocument from './bundled/starter.json' with { type: 'json' }
import synfluencer from './bundled/synfluencer.json' with { type: 'json' }
import workspaceCredits from './bundled/workspace-credits.json' with { type: 'json' }

/** The catalog of whoever has not written one: every tool call costs one credit. */
export const starter: unknown = starterDocument

/** The documents that come with the package, by name, unparsed. The only place where code names a product. */
export const bundledCatalogs: Readonly<Record<string, unknown>> = {
  starter,
  'neural-draft': neuralDraft,
  'social-neuron': socialNeuron,
  soku,
  synfluencer,
  'workspace-credits': workspaceCredits,
}
