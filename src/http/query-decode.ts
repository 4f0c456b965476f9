/** Reads a v1 call's parameters by the model. Unknown ones are passed over, as AWS does. */
import { fail } from '../errors/fail.ts'
import type { Member, Structure, Type } from '../model/shapes.ts'
import { readBase64 } from './base64.ts'
import type { FormNode } from './form.ts'
import { childrenOf, findChild } from './form.ts'
import { readBoolean, readNumber, readTimestamp } from './scalars.ts'

type Read = (node: FormNode) => unknown

/** Compiles the reader of a structure. A parameter that does not fit throws MalformedInput. */
export function queryReader(structure: Structure): (node: FormNode) => Record<string, unknown> {
  const members = structure.members.map((member) => compileMember(member))
  return (given) => {
    const { value } = given
    // `Rule=` with nothing in it is an empty structure; with something, a scalar where there should be none.
    if (value !== undefined && value !== '') fail('Serialization', 'Unexpected complex element termination')
    const result: Record<string, unknown> = {}
    for (const { name, read, whenAbsent } of members) {
      const node = findChild(given, name)
      if (node) result[name] = read(node)
      else if (whenAbsent !== undefined) result[name] = whenAbsent
    }
    return result
  }
}

type CompiledMember = { name: string; read: Read; whenAbsent: false | undefined }

function compileMember({ name, type, required }: Member): CompiledMember {
  // As in JSON: a primitive boolean that is not given is false.
  return { name, read: reader(type), whenAbsent: type.kind === 'boolean' && required ? false : undefined }
}

function reader(type: Type): Read {
  switch (type.kind) {
    case 'string':
      return scalar
    case 'boolean':
      return (node) => readBoolean(scalar(node))
    case 'number': {
      const { number } = type
      return (node) => readNumber(scalar(node), number)
    }
    case 'timestamp':
      return (node) => readTimestamp(scalar(node))
    case 'blob':
      return (node) => readBase64(scalar(node))
    case 'list': {
      const element = reader(type.element)
      return (node) => elements(node, 'member').map((each) => element(each))
    }
    case 'map': {
      const key = reader(type.key)
      const value = reader(type.value)
      return (node) =>
        Object.fromEntries(
          elements(node, 'entry').map((entry) => {
            const keyNode = findChild(entry, 'key')
            const valueNode = findChild(entry, 'value')
            if (!keyNode || !valueNode) return fail('Serialization', 'Unexpected map element termination')
            return [key(keyNode), value(valueNode)]
          }),
        )
    }
    case 'structure':
    default:
      return queryReader(type.structure)
  }
}

function scalar(node: FormNode): string {
  if (node.children) {
    fail(
      'Serialization',
      findChild(node, 'member')
        ? 'Start of list found where not expected'
        : 'Start of structure or map found where not expected.',
    )
  }
  return node.value ?? ''
}

const INDEX = /^[1-9][0-9]{0,8}$/

/** `X.member.N` in the order of N, which starts at 1; gaps are closed. `X=` is the empty list. */
function elements(node: FormNode, marker: 'member' | 'entry'): readonly FormNode[] {
  if (node.value !== undefined && node.value !== '') fail('Serialization', 'Unexpected list element termination')
  if (!node.children) return []
  const list = findChild(node, marker)
  if (!list) {
    const numbered = childrenOf(node).some(([name]) => INDEX.test(name))
    fail(
      'Serialization',
      numbered
        ? 'Top level element may not be treated as a list'
        : 'Start of structure or map found where not expected.',
    )
  }
  if (list.value !== undefined && list.value !== '') fail('Serialization', 'Unexpected list element termination')
  const indexed: [number, FormNode][] = []
  for (const [name, child] of childrenOf(list)) {
    if (!INDEX.test(name)) fail('Serialization', `Invalid list index: '${name.slice(0, 20)}'`)
    indexed.push([Number(name), child])
  }
  return indexed.toSorted(([a], [b]) => a - b).map(([, child]) => child)
}
