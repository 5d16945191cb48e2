import type { AccountRecord, RecordDocument } from '../ledger/account-record.js'

/** What a member of an account may do; each may do what those after it may. */
export const ROLES = ['owner', 'admin', 'member', 'viewer'] as const
export type Role = (typeof ROLES)[number]

/** A person in an account, to whom spending is attributed (WC-16). */
export interface Member {
  readonly id: string
  readonly name: string | null
  readonly role: Role
}

export function memberDocument({ name, role }: Omit<Member, 'id'>): RecordDocument {
  return { name, role }
}

export function memberOf({ id, document }: AccountRecord): Member {
  return { id, name: (document['name'] as string | null | undefined) ?? null, role: document['role'] as Role }
}

/** Whether a role allows to spend; a viewer sees and spends nothing. */
export function maySpend(role: Role): boolean {
  return role !== 'viewer'
}
