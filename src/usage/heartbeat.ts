/** Calls `sign` every `everyMs` until stopped. A sign that fails is dropped: the next one may pass, and a settlement tells. */
export function beat(everyMs: number, sign: () => Promise<unknown>): () => void {
  const timer = setInterval(() => void sign().catch(() => undefined), everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
