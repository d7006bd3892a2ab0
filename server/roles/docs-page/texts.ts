/** Languages of the page's own words. What describes the doors is English, as their fields are. */
export const LANGUAGES = ['en', 'bn', 'ru'] as const
export type Language = (typeof LANGUAGES)[number]

const en = {
  title: 'Saldo for developers',
  lead: 'Two ways to order by program: the form that resellers’ panels speak, and REST. Both place the same orders.',
  sandbox: 'Sandbox: no real money, no real provider. Everything else is as it will be.',
  contents: 'On this page',
  language: 'Language',
  document: 'The same for programs: OpenAPI 3.1',
  reference: 'Every route',
  request: 'Request',
  answer: 'Answer',
  permission: 'Permission',
  open_to_all: 'open to all',
  parameters: 'Fields',
  where: { body: 'body', query: 'query', path: 'path', header: 'header' },
  required: 'required',
}

/** The words of the page in one language. */
export type Texts = typeof en

const bn: Texts = {
  title: 'ডেভেলপারদের জন্য Saldo',
  lead: 'প্রোগ্রাম দিয়ে অর্ডার করার দুটি পথ: রিসেলার প্যানেলের পরিচিত ফর্ম এবং REST। দুটিতেই একই অর্ডার তৈরি হয়।',
  sandbox: 'স্যান্ডবক্স: এখানে আসল টাকা নেই, আসল সরবরাহকারীও নেই। বাকি সব আসলের মতোই।',
  contents: 'এই পাতায়',
  language: 'ভাষা',
  document: 'প্রোগ্রামের জন্য একই বিবরণ: OpenAPI 3.1',
  reference: 'সব রুট',
  request: 'অনুরোধ',
  answer: 'উত্তর',
  permission: 'অনুমতি',
  open_to_all: 'সবার জন্য খোলা',
  parameters: 'ফিল্ড',
  where: { body: 'বডি', query: 'কোয়েরি', path: 'পাথ', header: 'হেডার' },
  required: 'আবশ্যক',
}

const ru: Texts = {
  title: 'Saldo для разработчиков',
  lead: 'Два способа заказывать из программы: форма, которую знают панели реселлеров, и REST. Заказы в обоих случаях одни и те же.',
  sandbox: 'Песочница: ни настоящих денег, ни настоящего поставщика. Всё остальное — как на деле.',
  contents: 'На этой странице',
  language: 'Язык',
  document: 'То же для программ: OpenAPI 3.1',
  reference: 'Все маршруты',
  request: 'Запрос',
  answer: 'Ответ',
  permission: 'Право',
  open_to_all: 'открыто всем',
  parameters: 'Поля',
  where: { body: 'тело', query: 'строка запроса', path: 'путь', header: 'заголовок' },
  required: 'обязательно',
}

export const TEXTS: Readonly<Record<Language, Texts>> = { en, bn, ru }

/** The first language of an Accept-Language header that the page speaks; English when there is none. */
export function languageOf(header: string | undefined): Language {
  const wanted = (header ?? '')
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().toLowerCase().split(';')
      const q = parameters.map((each) => /^\s*q=([\d.]{1,5})$/.exec(each)?.[1]).find((each) => each !== undefined)
      return { language: tag.split('-', 1)[0], quality: q === undefined ? 1 : Number(q) }
    })
    .filter((each) => each.quality > 0)
    .sort((a, b) => b.quality - a.quality)
  for (const { language } of wanted) {
    const spoken = LANGUAGES.find((each) => each === language)
    if (spoken) return spoken
  }
  return 'en'
}
