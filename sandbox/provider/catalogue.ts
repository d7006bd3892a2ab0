import type { ServiceType } from './service-types.ts'

/** A service as it is offered at the start. `rate` is a decimal: per 1000 units, or for one package. */
export interface CatalogueItem {
  readonly service: number
  readonly name: string
  readonly category: string
  readonly type: ServiceType
  readonly rate: string
  readonly min: number
  readonly max: number
  readonly refill: boolean
  readonly cancel: boolean
  readonly dripfeed: boolean
  readonly description: string
}

type Row = [service: number, name: string, rate: string, min: number, max: number, description: string]
type Abilities = Partial<Pick<CatalogueItem, 'refill' | 'cancel' | 'dripfeed'>>

function shelf(category: string, type: ServiceType, abilities: Abilities, rows: Row[]): CatalogueItem[] {
  const flags = { refill: false, cancel: true, dripfeed: false, ...abilities }
  return rows.map(([service, name, rate, min, max, description]) => {
    return { service, name, category, type, rate, min, max, ...flags, description }
  })
}

/** Honest work, sold by the word, minute, photo, sheet, text or line. */
export const CATALOGUE: readonly CatalogueItem[] = [
  ...shelf('Translation', 'Default', { refill: true }, [
    [101, 'Translation English → German, by the word', '38.00', 50, 50_000, 'Link to the text; quantity is words.'],
    [102, 'Translation English → Bengali, by the word', '21.50', 50, 50_000, 'Link to the text; quantity is words.'],
    [103, 'Translation Russian → English, by the word', '27.25', 50, 50_000, 'Link to the text; quantity is words.'],
    [104, 'Localised app strings, by the word', '44.90', 20, 20_000, 'Link to the string file; quantity is words.'],
  ]),
  ...shelf('Proofreading', 'Default', { refill: true }, [
    [201, 'Proofreading, English, by the word', '9.50', 100, 100_000, 'Spelling, grammar and commas.'],
    [
      202,
      'Proofreading with style remarks, by the word',
      '16.80',
      100,
      60_000,
      'Corrections and remarks in the margin.',
    ],
    [203, 'Plain-language edit, by the word', '24.33333', 100, 30_000, 'Short sentences for every reader.'],
  ]),
  ...shelf('Captions and subtitles', 'Default', {}, [
    [301, 'Subtitles, same language, by the minute', '890.00', 1, 600, 'Link to the video; quantity is minutes.'],
    [302, 'Translated subtitles, by the minute', '2150.00', 1, 300, 'Link to the video; quantity is minutes.'],
    [303, 'Audio description, by the minute', '3400.00', 1, 120, 'For viewers who cannot see the picture.'],
  ]),
  ...shelf('Transcription', 'Default', {}, [
    [
      401,
      'Transcription, clear speech, by the minute',
      '540.00',
      1,
      1_000,
      'Link to the recording; quantity is minutes.',
    ],
    [402, 'Transcription, several speakers, by the minute', '780.00', 1, 600, 'Speakers are named.'],
  ]),
  ...shelf('Photo retouching', 'Default', { refill: true, dripfeed: true }, [
    [501, 'Product photo, background cut out, by the photo', '310.00', 1, 5_000, 'Link to the folder.'],
    [502, 'Colour correction, by the photo', '145.50', 5, 10_000, 'Link to the folder.'],
    [503, 'Old photo restored, by the photo', '4200.00', 1, 100, 'Scratches, tears and faded colours.'],
  ]),
  ...shelf('Printing', 'Default', { cancel: false, dripfeed: true }, [
    [601, 'Flyers A6, printed and posted', '28.40', 50, 100_000, 'Link to the print file; quantity is sheets.'],
    [602, 'Stickers 5 cm, weatherproof', '61.99', 25, 50_000, 'Link to the print file; quantity is stickers.'],
  ]),
  ...shelf('Product texts', 'Package', {}, [
    [701, 'Product description, one text of 150 words', '3.90', 1, 1, 'Link to the product page.'],
    [702, 'Product page, complete: title, points, text', '11.75', 1, 1, 'Link to the product page.'],
    [703, 'Shop audit, a report of five pages', '49.00', 1, 1, 'Link to the shop.'],
  ]),
  ...shelf('Custom lines', 'Custom Comments', {}, [
    [801, 'Custom captions, one per line', '120.00', 1, 1_000, 'Each line is set as one caption of the video.'],
    [802, 'Replies to product reviews, one per line', '250.00', 1, 500, 'Each line is polished and sent in your name.'],
    [803, 'Printed gift tags, one text per line', '640.00', 5, 500, 'Each line is printed on one tag.'],
    [804, 'Voice-over, one sentence per line', '1800.00', 1, 200, 'Each line is spoken and recorded.'],
  ]),
  ...shelf('Search', 'SEO', {}, [
    [901, 'Article around your keywords, by the word', '52.00', 100, 5_000, 'Link to the site; one keyword a line.'],
  ]),
  ...shelf('Sets of lines', 'Custom Comments Package', {}, [
    [1001, 'Ten slides lettered with your lines, one set', '14.50', 1, 1, 'Link to the slides; one text a line.'],
  ]),
  ...shelf('Names', 'Mentions Custom List', {}, [
    [1101, 'Name badges, printed, one name per line', '980.00', 1, 1_000, 'Link to the design; one name a line.'],
  ]),
  ...shelf('Addressed printing', 'Mentions', { cancel: false }, [
    [1102, 'Thank-you cards with names set in, by the card', '720.00', 10, 2_000, 'Names are taken in turn.'],
  ]),
  ...shelf('Letters', 'Comment Replies', {}, [
    [1201, 'Answers to letters of customers, one per line', '1250.00', 1, 200, 'Signed with the name you give.'],
  ]),
  ...shelf('Usability', 'Poll', {}, [
    [1301, 'Usability test of one design variant, by the tester', '6400.00', 5, 200, 'The number names the variant.'],
  ]),
  ...shelf('Invitations', 'Invites from Groups', {}, [
    [
      1401,
      'Invitations addressed from your lists, by the card',
      '410.00',
      20,
      5_000,
      'One list a line, each by its link.',
    ],
  ]),
  ...shelf('Load tests', 'Web Traffic', { dripfeed: true }, [
    [1501, 'Load test from real devices, by the visit', '2.75', 100, 200_000, 'For pages of your own.'],
  ]),
  ...shelf('Standing orders', 'Subscriptions', {}, [
    [
      1601,
      'Captions for each new video of a channel, by the minute',
      '920.00',
      1,
      120,
      'Name the channel; each new video gets its captions.',
    ],
    [
      1602,
      'Picture descriptions for each new product of a shop, by the picture',
      '85.00',
      1,
      50,
      'Name the shop; for readers who cannot see the pictures.',
    ],
  ]),
]
