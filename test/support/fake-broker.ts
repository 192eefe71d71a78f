import type { Message, Publish, Published } from '../../src/relay/index.ts'

/** A broker in memory that fails as it is told: for faults that a real one shows only by chance. */
export class FakeBroker {
  readonly #taken = new Map<string, Message[]>()
  readonly missing = new Set<string>()
  maxBytes = 1 << 20
  /** What it says to the next messages in place of taking them, each time asked anew; null: it takes them. */
  fault: () => 'lost' | 'taken_and_lost' | null = () => null

  readonly publish: Publish = async (topic, messages) => {
    if (this.missing.has(topic)) return failed('Unknown topic')
    const fault = this.fault()
    if (fault === 'lost') return failed('no answer in time')
    const bytes = messages.reduce((sum, { value }) => sum + Buffer.byteLength(value), 0)
    if (bytes > this.maxBytes) return { kind: 'too_large' }
    this.#taken.set(topic, [...this.taken(topic), ...messages])
    return fault === null ? { kind: 'taken' } : failed('no answer in time')
  }

  /** All that a topic has taken, doubled ones too. */
  taken(topic: string): readonly Message[] {
    return this.#taken.get(topic) ?? []
  }
}

const failed = (why: string): Published => ({ kind: 'failed', why })
