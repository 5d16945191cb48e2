/** One prompt of ours, as a client lists it, and what it says. */
interface Prompt {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly arguments: readonly { readonly name: string; readonly description: string; readonly required: boolean }[]
  readonly words: (args: Readonly<Record<string, string>>) => string
}

const PROMPTS: readonly Prompt[] = [
  {
    name: 'review_spending',
    title: 'Review spending',
    description: 'What was spent, on what, and what would have been cheaper',
    arguments: [{ name: 'since', description: 'An instant (ISO 8601); the running period where it is left out', required: false }],
    words: ({ since }) =>
      `Review what was spent ${since === undefined ? 'in the running period' : `since ${since}`}. Call get_credit_balance and get_budget_status for ` +
      'what is left, get_mcp_usage by operation and by tool for where it went, and list_transactions for the dearest charges; explain_charge tells ' +
      'why one cost what it did. Say in a few lines what the money went to, when it runs out at this rate, and what would do the same for less.',
  },
  {
    name: 'plan_within_budget',
    title: 'Plan within a budget',
    description: 'A plan of priced steps for a task that stays within a sum',
    arguments: [
      { name: 'task', description: 'What is to be done', required: true },
      { name: 'credits', description: 'The most that it may cost; what can be spent now where it is left out', required: false },
    ],
    words: ({ task, credits }) =>
      `Plan this task so that it costs at most ${credits === undefined ? 'what can be spent now (get_credit_balance)' : `${credits} credits`}: ${task}\n\n` +
      'Find the operations by list_operations, price all steps together by one estimate_cost with calls, and take what it lists as cheaper where that ' +
      'still does the task. Show the steps with their prices and the total, and ask before anything is spent.',
  },
]

/** Our prompts as `prompts/list` answers them; their texts name our tools that read, and no price. */
export function listedPrompts(): readonly Omit<Prompt, 'words'>[] {
  return PROMPTS.map(({ words: _, ...listed }) => listed)
}

type ReadPrompt =
  | { readonly kind: 'found'; readonly description: string; readonly text: string }
  | { readonly kind: 'problem'; readonly message: string }

/** What a prompt says with these arguments, or what is wrong with how it was asked for. */
export function readPrompt(name: string, args: Readonly<Record<string, string>> = {}): ReadPrompt {
  const prompt = PROMPTS.find((one) => one.name === name)
  if (prompt === undefined) return { kind: 'problem', message: `Prompt ${name.slice(0, 255)} not found` }
  const missing = prompt.arguments.find((argument) => argument.required && (args[argument.name] ?? '') === '')
  if (missing !== undefined) return { kind: 'problem', message: `The prompt ${name} takes the argument ${missing.name}: ${missing.description}` }
  return { kind: 'found', description: prompt.description, text: prompt.words(args) }
}
