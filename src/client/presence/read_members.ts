import type { Envelope } from '../../protocol/envelope.ts'
import type { PresentMember } from '../../protocol/presence.ts'
import type { StandardSchema } from '../../protocol/standard_schema.ts'
import { check } from '../check.ts'
import type { PresenceMember } from './member_list.ts'

/**
 * The members in an envelope, at once where their states can be checked so. Mere names are left out.
 * @param refused Told why a state does not fit the schema; its member says nothing then.
 */
export function readMembers<S>(
  { payload }: Envelope,
  schema: StandardSchema<unknown, S> | undefined,
  refused: (error: unknown) => void,
): PresenceMember<S>[] | Promise<PresenceMember<S>[]> {
  const { members = [] } = payload as { readonly members?: readonly (PresentMember | string)[] }
  const read = members.filter((member) => typeof member !== 'string').map((member) => {
    const shown = (state: S | null) => ({ ...member, state })
    const failed = (error: unknown) => {
      refused(error)
      return shown(null)
    }
    if (!schema || member.state === null) return shown(member.state as S | null)
    try {
      const state = check(schema, member.state)
      return state instanceof Promise ? state.then(shown, failed) : shown(state)
    } catch (error) {
      return failed(error)
    }
  })
  const isLate = read.some((member) => member instanceof Promise)
  return isLate ? Promise.all(read) : read as PresenceMember<S>[]
}
