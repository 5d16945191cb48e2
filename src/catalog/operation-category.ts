/** The category of an operation that names none: ids are dotted, category first. */
export function firstSegment(operation: string): string {
  return operation.split('.')[0] ?? operation
}
