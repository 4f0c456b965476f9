/** Doubles as AWS's services, which are written in Java, print them. */

/** `200.0`, `0.5`, `1.790312384592E9`: Double.toString's form, with the shortest digits that name the number. */
export function javaDouble(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`${value} can not be written`)
  const size = Math.abs(value)
  if (size === 0) return '0.0'
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value)
  const [digits = '', exponent = ''] = value.toExponential().split('e')
  return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent.replace('+', '')}`
}
