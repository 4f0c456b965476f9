/** A signing thread on a system that gives threads no priorities of their own. */
import { parentPort } from 'node:worker_threads'

parentPort?.postMessage({ isLowered: false }, [])
parentPort?.on('message', () => {
  throw new Error('nothing was to be asked of this thread')
})
