import { noChange } from 'lit-html'
import { Directive, directive, type PropertyPart } from 'lit-html/directive.js'
import { setCommittedValue } from 'lit-html/directive-helpers.js'

class Typed extends Directive {
  override render(text: string, _means: (shown: string) => boolean): unknown {
    return text
  }

  override update(
    part: PropertyPart,
    [text, means]: [string, (shown: string) => boolean],
  ): unknown {
    if (means((part.element as HTMLInputElement).value)) return noChange
    setCommittedValue(part)
    return text
  }
}

/**
 * The value of a field that is typed in, left alone as long as what it shows means the same: who types 1.05 is at 1.0
 * on the way, and it must not become 1.
 */
export const typed = directive(Typed)
