/** A step of the schema: applied in a transaction by name order, and undone by `down` in the same way. */
export type Migration = { readonly name: string; readonly up: readonly string[]; readonly down: readonly string[] }
