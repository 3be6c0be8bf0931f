import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/*
 * Loaded into the gateway's process before it (`--import`): collects its garbage at SIGWINCH, so that what is measured
 * then is what is held and not what nobody has collected yet.
 */

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

process.on('SIGWINCH', () => {
  // What finalizers held is freed the second time.
  collect()
  collect()
})
