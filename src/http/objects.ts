/** Telling a structure or map from other values that JSON, or a handler, may give. */

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
