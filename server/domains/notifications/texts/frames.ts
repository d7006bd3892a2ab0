import type { Locale } from '#server/domains/identity/user.ts'
import type { Template } from './template.ts'

/** What stands around messages, on the pages that mails lead to, and in the chat of the bot. */
export interface Frame {
  /** Behind the first few of many; variable `count`. */
  more: Template
  /** Under a button, before the address itself. */
  or_open: string
  unsubscribe: string
  /** Why someone who did not ask for it may pass over a mail with a link. */
  not_asked: string
  /** The same for an invitation. */
  not_expected: string
  /** Under a security notice. */
  not_you: string
  sandbox: string
  unknown_device: string
  page: {
    title: string
    ask: string
    button: string
    done: string
    gone: string
  }
  bot: {
    hello: string
    linked: string
    wrong_code: string
    stopped: string
  }
  off: { blocked: string; stopped: string; chat_gone: string }
  channels: { email: string; telegram: string }
}

const en: Frame = {
  more: { by: 'count', one: '{{count}} more', other: '{{count}} more' },
  or_open: 'Or open this address:',
  unsubscribe: 'Stop these mails',
  not_asked: 'If you did not ask for this, nothing has happened and nothing needs to be done.',
  not_expected: 'If you did not expect this, pass it over: while nobody chooses a password, nobody can sign in.',
  not_you: 'If this was not you, change your password now and sign out everywhere.',
  sandbox: 'Sandbox: no real money',
  unknown_device: 'a device we do not recognise',
  page: {
    title: 'Stop these mails?',
    ask: 'You will get no more mails of this kind. You can change this at any time in your settings.',
    button: 'Stop them',
    done: 'Done. You will get no more mails of this kind.',
    gone: 'This link is not valid. You can choose your mails in your settings.',
  },
  bot: {
    hello: 'Hello. To get your messages here, open the settings of your account, choose Telegram, and follow the link.',
    linked: 'Done. Your messages come here from now on. /stop ends it.',
    wrong_code: 'This code is not valid or has expired. Ask for a new one in the settings of your account.',
    stopped: 'No more messages come here. You can link this chat again in the settings of your account.',
  },
  off: { blocked: 'the bot was blocked', stopped: '/stop was sent', chat_gone: 'the chat no longer exists' },
  channels: { email: 'E-mail', telegram: 'Telegram' },
}

const bn: Frame = {
  more: { by: 'count', one: 'আরও {{count}}টি', other: 'আরও {{count}}টি' },
  or_open: 'অথবা এই ঠিকানাটি খুলুন:',
  unsubscribe: 'এই ইমেইলগুলো বন্ধ করুন',
  not_asked: 'আপনি এটি না চেয়ে থাকলে কিছুই ঘটেনি এবং আপনার কিছু করার দরকার নেই।',
  not_expected: 'আপনি এটি আশা না করে থাকলে উপেক্ষা করুন: পাসওয়ার্ড বেছে না নেওয়া পর্যন্ত কেউ সাইন ইন করতে পারবে না।',
  not_you: 'এটি আপনি না করে থাকলে এখনই পাসওয়ার্ড বদলান এবং সব জায়গা থেকে সাইন আউট করুন।',
  sandbox: 'স্যান্ডবক্স: আসল টাকা নয়',
  unknown_device: 'একটি অচেনা ডিভাইস',
  page: {
    title: 'এই ইমেইলগুলো বন্ধ করবেন?',
    ask: 'আপনি এই ধরনের আর কোনো ইমেইল পাবেন না। সেটিংস থেকে যেকোনো সময় এটি বদলাতে পারবেন।',
    button: 'বন্ধ করুন',
    done: 'হয়ে গেছে। আপনি এই ধরনের আর কোনো ইমেইল পাবেন না।',
    gone: 'এই লিংকটি সঠিক নয়। সেটিংস থেকে আপনি আপনার ইমেইল বেছে নিতে পারেন।',
  },
  bot: {
    hello: 'নমস্কার। এখানে বার্তা পেতে আপনার অ্যাকাউন্টের সেটিংস খুলুন, টেলিগ্রাম বেছে নিন এবং লিংকটি অনুসরণ করুন।',
    linked: 'হয়ে গেছে। এখন থেকে আপনার বার্তা এখানে আসবে। বন্ধ করতে /stop লিখুন।',
    wrong_code: 'এই কোডটি সঠিক নয় বা এর মেয়াদ শেষ। অ্যাকাউন্টের সেটিংস থেকে নতুন কোড নিন।',
    stopped: 'এখানে আর কোনো বার্তা আসবে না। অ্যাকাউন্টের সেটিংস থেকে এই চ্যাট আবার যুক্ত করতে পারবেন।',
  },
  off: { blocked: 'বটটি ব্লক করা হয়েছে', stopped: '/stop পাঠানো হয়েছে', chat_gone: 'চ্যাটটি আর নেই' },
  channels: { email: 'ইমেইল', telegram: 'টেলিগ্রাম' },
}

const ru: Frame = {
  more: {
    by: 'count',
    one: 'ещё {{count}}',
    few: 'ещё {{count}}',
    many: 'ещё {{count}}',
    other: 'ещё {{count}}',
  },
  or_open: 'Или откройте этот адрес:',
  unsubscribe: 'Не присылать такие письма',
  not_asked: 'Если вы этого не запрашивали, ничего не произошло и делать ничего не нужно.',
  not_expected: 'Если вы этого не ждали, не обращайте внимания: пока пароль не выбран, войти никто не может.',
  not_you: 'Если это были не вы, смените пароль прямо сейчас и выйдите на всех устройствах.',
  sandbox: 'Песочница: деньги ненастоящие',
  unknown_device: 'незнакомое устройство',
  page: {
    title: 'Не присылать такие письма?',
    ask: 'Писем этого вида больше не будет. Изменить это можно в любое время в настройках.',
    button: 'Не присылать',
    done: 'Готово. Писем этого вида больше не будет.',
    gone: 'Ссылка недействительна. Выбрать письма можно в настройках.',
  },
  bot: {
    hello:
      'Здравствуйте. Чтобы получать сообщения здесь, откройте настройки учётной записи, выберите Telegram и перейдите по ссылке.',
    linked: 'Готово. Теперь ваши сообщения приходят сюда. Чтобы прекратить, отправьте /stop.',
    wrong_code: 'Код неверен или устарел. Запросите новый в настройках учётной записи.',
    stopped: 'Сообщений здесь больше не будет. Снова подключить чат можно в настройках учётной записи.',
  },
  off: { blocked: 'бот заблокирован', stopped: 'отправлена команда /stop', chat_gone: 'чата больше нет' },
  channels: { email: 'Почта', telegram: 'Telegram' },
}

export const FRAMES: Readonly<Record<Locale, Frame>> = { en, bn, ru }
