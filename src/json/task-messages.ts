/* How tasks show in messages: in core up to 2025-11-25, and as an extension in 2026-07-28. */
import { clientCapabilities, isObject, type JsonObject } from './json-rpc.js'

/** Whether a call asks for a task (2025-11-25), or its client says that it follows those it is given (2026-07-28). */
export function mayBecomeTask(params: JsonObject | undefined): boolean {
  if (params?.['task'] !== undefined) return true
  const extensions = clientCapabilities(params)?.['extensions']
  return isObject(extensions) && extensions[TASKS_EXTENSION] !== undefined
}

/** The id of the task that a call's result stands for: nested in 2025-11-25, flat with a discriminator in 2026-07-28. */
export function taskIdOf(result: JsonObject): string | undefined {
  const task = result['resultType'] === 'task' ? result : result['task']
  return isObject(task) && typeof task['taskId'] === 'string' ? task['taskId'] : undefined
}

/** 2025-11-25 and 2026-07-28. */
export const TASK_NOTIFICATIONS: ReadonlySet<string> = new Set(['notifications/tasks/status', 'notifications/tasks'])

const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks'
