import { DEPTH_MAX } from '../../json/json-text.js'

/** Whether a value is nested so deeply that writing it again would overflow the stack. */
export function isTooDeep(value: unknown, levels = DEPTH_MAX): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some(member => isTooDeep(member, levels - 1))
}
