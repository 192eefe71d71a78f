import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Uuid } from '../core/subject.ts'
import { formatKey } from './core/key-format.ts'

/** A new key as its holder sends it, with 256 random bits. */
export function newKey(id: Uuid): string {
  return formatKey(id, randomBytes(32).toString('base64url'))
}

/** What is stored of a key. A plain hash is enough for 256 random bits; nothing can be guessed. */
export function hashKey(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}

/** Compares in constant time. */
export function matchesHash(key: string, stored: Buffer): boolean {
  return timingSafeEqual(hashKey(key), stored)
}
