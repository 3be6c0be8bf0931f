import { html, nothing, type TemplateResult } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import { bytes } from '#console/formats.ts'
import { freePicture, type Picture, picturesOf } from './picture.ts'

export interface PictureInput {
  readonly label: string
  readonly most: number
  readonly pictures: readonly Picture[]
  change(pictures: readonly Picture[]): void
}

const move = (pictures: readonly Picture[], from: number, to: number): readonly Picture[] => {
  const left = pictures.toSpliced(from, 1)
  const [moved] = pictures.slice(from, from + 1)
  return moved ? left.toSpliced(to, 0, moved) : pictures
}

const TYPE = 'application/x-fresnel-place'

const thumbnail = (
  { pictures, change }: PictureInput,
  picture: Picture,
  index: number,
): TemplateResult => {
  const place = (to: number) => change(move(pictures, index, to))
  const drop = (event: DragEvent): void => {
    const from = event.dataTransfer?.getData(TYPE)
    if (!from) return
    event.preventDefault()
    event.stopPropagation()
    change(move(pictures, Number(from), index))
  }
  const remove = (): void => {
    freePicture(picture)
    change(pictures.toSpliced(index, 1))
  }
  return html`<li
    draggable="true"
    @dragstart=${(event: DragEvent) => event.dataTransfer?.setData(TYPE, String(index))}
    @dragover=${(event: Event) => event.preventDefault()}
    @drop=${drop}
  >
    <img src=${picture.url} alt="Picture ${index + 1}: ${picture.name}">
    <small>${index + 1}. ${picture.name}, ${bytes(picture.blob.size)}</small>
    <div role="group" aria-label="Picture ${index + 1}">
      <button type="button" class="small" aria-label="Earlier" ?disabled=${index === 0} @click=${() => place(index - 1)}>←</button>
      <button type="button" class="small" aria-label="Later" ?disabled=${index === pictures.length - 1} @click=${() => place(index + 1)}>→</button>
      <button type="button" class="small" aria-label="Remove" @click=${remove}>×</button>
    </div>
  </li>`
}

/** Pictures to be changed: chosen, dropped or pasted, and put in order by dragging or by keys. */
export const pictureInput = (input: PictureInput): TemplateResult => {
  const { label, most, pictures, change } = input
  const add = (files: Iterable<File>): void =>
    change([...pictures, ...picturesOf(files)].slice(0, most))
  const drop = (event: DragEvent): void => {
    event.preventDefault()
    add(event.dataTransfer?.files ?? [])
  }
  const choose = (event: Event): void => {
    const field = event.currentTarget as HTMLInputElement
    add(field.files ?? [])
    field.value = ''
  }
  return html`<div class="pictures" @dragover=${(event: Event) => event.preventDefault()} @drop=${drop}>
    <label class="drop">
      ${label} <small>choose, drop or paste; up to ${most}</small>
      <input type="file" accept="image/*" ?multiple=${most > 1} ?disabled=${pictures.length >= most} @change=${choose}>
    </label>
    ${
      pictures.length > 0
        ? html`<ol class="thumbnails">${repeat(
            pictures,
            ({ id }) => id,
            (picture, index) => thumbnail(input, picture, index),
          )}</ol>`
        : nothing
    }
  </div>`
}
