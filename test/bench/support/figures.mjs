/** Three digits that say something, whatever the size. @param {number} value */
export function figureText(value) {
  if (value === 0) return '0'
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3)
}

/** A ratio as it is written. @param {number} ratio */
export function timesText(ratio) {
  return `×${ratio.toFixed(2)}`
}
