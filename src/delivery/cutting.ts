/** Connections that can be ended all at once, whatever they are waiting for: a stop does not wait for a tarpit. */
import type { Dial, HttpsGet, TlsOptions, TlsState, Wire, WireListener } from '../platform/platform.ts'

/** What a connection says that we ended ourselves. */
const ENDED = 'ECANCELED'

export type Cutting = {
  readonly dial: Dial
  readonly httpsGet: HttpsGet
  /** Ends what is open and what is being opened; nothing is opened any more. */
  readonly cut: () => void
}

export function createCutting(dial: Dial, httpsGet: HttpsGet): Cutting {
  const stop = new AbortController()
  const open = new Set<CutWire>()
  return {
    async dial(target, signal) {
      if (stop.signal.aborted) return ENDED
      const wire = await dial(target, AbortSignal.any([signal, stop.signal]))
      if (typeof wire === 'string') return stop.signal.aborted ? ENDED : wire
      const cuttable = new CutWire(wire, () => void open.delete(cuttable))
      open.add(cuttable)
      // It was there at the same moment.
      if (stop.signal.aborted) cuttable.cut()
      return cuttable
    },
    httpsGet: async (question, signal) =>
      stop.signal.aborted ? ENDED : httpsGet(question, AbortSignal.any([signal, stop.signal])),
    cut() {
      stop.abort()
      for (const wire of open) wire.cut()
    },
  }
}

class CutWire implements Wire {
  readonly localAddress: string
  readonly remoteAddress: string
  readonly #wire: Wire
  readonly #onEnd: () => void
  #listener: WireListener | undefined
  #isCut = false

  constructor(wire: Wire, onEnd: () => void) {
    this.#wire = wire
    this.#onEnd = onEnd
    this.localAddress = wire.localAddress
    this.remoteAddress = wire.remoteAddress
  }

  listen(listener: WireListener): void {
    this.#listener = listener
    if (this.#isCut) {
      listener.closed(ENDED)
      return
    }
    this.#wire.listen({
      ...listener,
      closed: (code) => {
        this.#onEnd()
        listener.closed(code)
      },
    })
  }

  send(...octets: readonly (Buffer | string)[]): boolean {
    return this.#wire.send(...octets)
  }

  startTls(options: TlsOptions): Promise<TlsState | string> {
    return this.#wire.startTls(options)
  }

  finish(lastWords: string): void {
    this.#end()
    this.#wire.finish(lastWords)
  }

  destroy(): void {
    this.#end()
    this.#wire.destroy()
  }

  cut(): void {
    const listener = this.#listener
    this.#isCut = true
    this.destroy()
    listener?.closed(ENDED)
  }

  #end(): void {
    this.#listener = undefined
    this.#onEnd()
  }
}
