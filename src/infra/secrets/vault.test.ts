import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createKey, findKey } from './key.ts'
import { CannotOpen, createVault, vaultKey } from './vault.ts'

const oldKey = vaultKey(Buffer.alloc(32, 1))
const newKey = vaultKey(Buffer.alloc(32, 2))

describe('createVault', () => {
  const vault = createVault([oldKey])

  it('opens what it sealed', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), fc.string(), (value, context) => {
        const json = JSON.parse(JSON.stringify(value))
        expect(vault.open(vault.seal(json, context), context)).toEqual(json)
      }),
    )
  })

  it('hides the value and never seals twice alike', () => {
    const sealed = vault.seal({ password: 'hunter2' }, 'c')
    expect(sealed.includes('hunter2')).toBe(false)
    expect(vault.seal({ password: 'hunter2' }, 'c').equals(sealed)).toBe(false)
  })

  it('opens nothing of which any bit was altered, or a piece is missing', () => {
    const sealed = vault.seal('value', 'c')
    for (let at = 0; at < sealed.length; at++) {
      const altered = Buffer.from(sealed)
      altered.writeUInt8(sealed.readUInt8(at) ^ 1, at)
      expect(() => vault.open(altered, 'c')).toThrow(CannotOpen)
      expect(() => vault.open(sealed.subarray(0, at), 'c')).toThrow(CannotOpen)
    }
  })

  it('opens nothing in another place', () => {
    expect(() => vault.open(vault.seal(1, 'values:a'), 'values:b')).toThrow(CannotOpen)
  })

  it('opens with an older key, and seals with the first', () => {
    const both = createVault([newKey, oldKey])
    expect(both.open(vault.seal('old', ''), '')).toBe('old')
    expect(createVault([newKey]).open(both.seal('new', ''), '')).toBe('new')
    expect(() => vault.open(both.seal('new', ''), '')).toThrow(/a key that is not here/)
  })
})

describe('a key', () => {
  let home: string
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'flotilla-key-'))
  })
  afterEach(() => rmSync(home, { recursive: true }))

  it('is made for its owner only, and found again', () => {
    const made = createKey(join(home, 'new'))
    expect(findKey(join(home, 'new'), '')).toEqual(made)
    expect(createKey(join(home, 'new'))).toEqual(made)
    expect(readdirSync(join(home, 'new'))).toEqual(['secret-key'])
    expect(statSync(join(home, 'new/secret-key')).mode & 0o777).toBe(0o600)
  })

  it('is nowhere until it was made: to look for it makes none', () => {
    expect(findKey(home, undefined)).toBeNull()
    expect(readdirSync(home)).toEqual([])
  })

  it('takes 32 bytes as they are, and makes 32 of a longer text', () => {
    const bytes = Buffer.alloc(32, 7)
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      expect(findKey(home, bytes.toString(encoding))?.key.secret).toEqual(bytes)
    }
    expect(findKey(home, 'correct horse battery staple, and more')?.key.secret).toHaveLength(32)
  })

  it('is named where it is too short or cannot be read', () => {
    expect(() => findKey(home, 'short')).toThrow(/FLOTILLA_SECRET_KEY/)
    writeFileSync(join(home, 'secret-key'), '')
    expect(() => findKey(home, undefined)).toThrow(/secret-key must have/)
    expect(() => findKey(join(home, 'secret-key'), undefined)).toThrow(/secret-key cannot be read/)
  })
})
