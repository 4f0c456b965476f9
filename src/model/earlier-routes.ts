/** Routes of v2 that AWS has since moved, and that clients of earlier versions still call (found in botocore 1.43, aws-sdk 2). */

export type EarlierRoute = {
  readonly operation: string
  readonly method: string
  readonly path: string
  /** Members that stood in the query string, and are in the body now. */
  readonly queries: readonly string[]
}

export const EARLIER_ROUTES: readonly EarlierRoute[] = [
  { operation: 'ListEmailIdentities', method: 'GET', path: '/v2/email/identities', queries: ['NextToken', 'PageSize'] },
  {
    operation: 'ListConfigurationSets',
    method: 'GET',
    path: '/v2/email/configuration-sets',
    queries: ['NextToken', 'PageSize'],
  },
  {
    operation: 'PutEmailIdentityDkimSigningAttributes',
    method: 'PUT',
    path: '/v1/email/identities/{EmailIdentity}/dkim/signing',
    queries: [],
  },
]
