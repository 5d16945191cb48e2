/** Content that the suite's scenarios look for: a picture of one pixel, an empty sound, a text. */

export const IMAGE = {
  data: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=',
  mimeType: 'image/png',
}

/** A WAV file without samples: the header of 44 bytes and nothing after it. */
export const AUDIO = { data: wav().toString('base64'), mimeType: 'audio/wav' }

/** @param {string} text */
export const text = (text) => /** @type {const} */ ({ type: 'text', text })
export const image = () => /** @type {const} */ ({ type: 'image', ...IMAGE })
export const audio = () => /** @type {const} */ ({ type: 'audio', ...AUDIO })

/**
 * @param {string} uri
 * @param {string} mimeType
 * @param {string} body
 */
export const embedded = (uri, mimeType, body) => /** @type {const} */ ({ type: 'resource', resource: { uri, mimeType, text: body } })

/** A form with these fields, all required unless told. @param {Record<string, object>} properties @param {string[]} [required] */
export const form = (properties, required = Object.keys(properties)) => /** @type {any} */ ({ type: 'object', properties, required })

function wav() {
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(8_000, 24)
  header.writeUInt32LE(8_000, 28)
  header.writeUInt16LE(1, 32)
  header.writeUInt16LE(8, 34)
  header.write('data', 36)
  return header
}
