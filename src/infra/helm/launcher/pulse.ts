/** What a pulse is taken of. */
export type Patient = {
  /** Whether somebody waits for it. */
  isAtWork(): boolean
  /** Asks it to say something. */
  ask(): void
  /** It has said nothing for a whole period although it was asked. */
  isSilent(): void
}

/** Asks a process at work once a period, and notices when it has not said anything since it was asked. */
export class Pulse {
  readonly #timer: NodeJS.Timeout
  #asked = false

  constructor(periodMs: number, patient: Patient) {
    this.#timer = setInterval(() => this.#beat(patient), periodMs).unref()
  }

  /** It has said something. */
  felt(): void {
    this.#asked = false
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #beat({ isAtWork, ask, isSilent }: Patient): void {
    const missed = this.#asked && isAtWork()
    this.#asked = isAtWork()
    if (missed) isSilent()
    else if (this.#asked) ask()
  }
}
