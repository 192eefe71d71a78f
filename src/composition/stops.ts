import type { Log } from '../infra/log.ts'

/** What has been started, to be stopped in the reverse order. */
export class Stops {
  private readonly log: Log
  private readonly entries: { readonly name: string; readonly stop: () => Promise<void> }[] = []

  constructor(log: Log) {
    this.log = log
  }

  add(name: string, stop: () => Promise<void>): void {
    this.entries.push({ name, stop })
  }

  /** Stops all of it; what fails is logged and does not keep the rest from stopping. */
  async stopAll(): Promise<void> {
    for (let entry = this.entries.pop(); entry !== undefined; entry = this.entries.pop()) {
      try {
        await entry.stop()
      } catch (error) {
        this.log.error({ err: error, part: entry.name }, 'a part did not stop in order')
      }
    }
  }
}
