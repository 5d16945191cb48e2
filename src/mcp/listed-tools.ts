import listed from '../../schema/tools.json' with { type: 'json' }
import type { DescribedTool, Toolset } from '../../tools/index.js'

/**
 * The tools of these sets as they stand in `tools/list`. They come from the page that is generated from the tools, so
 * that a start needs none of their schemas in code: clients often start a server only to list its tools.
 */
export function listedTools(toolsets: readonly Toolset[]): DescribedTool[] {
  return pages.filter(({ toolset }) => toolsets.includes(toolset)).map(({ tool }) => tool)
}

const pages = (listed as unknown as readonly (DescribedTool & { readonly toolset: Toolset })[]).map(({ toolset, ...tool }) => ({ toolset, tool }))
