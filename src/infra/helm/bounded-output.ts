const cut = Buffer.from('\n[… cut …]\n')

/** Keeps the first and the last half of what is written, so that memory stays bounded whatever a child prints. */
export class BoundedOutput {
  readonly #half: number
  #head: Buffer[] = []
  #headSize = 0
  #tail: Buffer[] = []
  #tailSize = 0
  #dropped = false

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#half = Math.floor(limit / 2)
  }

  get truncated(): boolean {
    return this.#dropped
  }

  write(chunk: Buffer): void {
    const room = this.#half - this.#headSize
    if (room > 0) this.#keepHead(chunk.subarray(0, room))
    if (chunk.length > room) this.#keepTail(chunk.subarray(Math.max(0, room)))
  }

  text(): string {
    return Buffer.concat([...this.#head, ...(this.#dropped ? [cut] : []), ...this.#tail]).toString('utf8')
  }

  #keepHead(chunk: Buffer): void {
    this.#head.push(chunk)
    this.#headSize += chunk.length
  }

  #keepTail(chunk: Buffer): void {
    this.#tail.push(chunk)
    this.#tailSize += chunk.length
    while (this.#tailSize > this.#half) this.#dropFromTail()
  }

  #dropFromTail(): void {
    const excess = this.#tailSize - this.#half
    const oldest = this.#tail.shift() ?? Buffer.alloc(0)
    const kept = oldest.subarray(Math.min(excess, oldest.length))
    if (kept.length > 0) this.#tail.unshift(kept)
    this.#tailSize -= oldest.length - kept.length
    this.#dropped = true
  }
}
