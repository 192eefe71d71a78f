/** What every stored database was made with: keys of nothing, so that it can be opened again. */
export const keysOfHistories = {
  FLOTILLA_ADMIN_KEY: 'the-admin-key-of-every-stored-history',
  FLOTILLA_SECRET_KEY: 'the-secret-key-of-every-stored-history',
} as const
