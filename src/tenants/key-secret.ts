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

/** Whether a key is the one that a hash was made of; takes as long whatever differs. */
export function matchesHash(key: string, stored: Buffer): boolean {
  return sameBytes(hashKey(key), stored)
}

/** Compares in a time that depends on the lengths only. */
export function sameBytes(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}
