import type { Locale } from '../user.ts'

/** The pages behind mailed links. */
export const PAGES = ['confirm', 'reset', 'change-email', 'invitation'] as const
export type PageName = (typeof PAGES)[number]

interface PageTexts {
  title: string
  lead: string
  button: string
  done: string
}

/** The words of the pages in one language. */
export interface Texts {
  pages: Readonly<Record<PageName, PageTexts>>
  /** One address of a change has agreed, the other has not yet. */
  half: string
  password: string
  password_hint: string
  show: string
  revoke_keys: string
  working: string
  no_token: string
  no_script: string
  link_not_valid: string
  email_taken: string
  bad_field: string
  too_many_attempts: string
  failed: string
  language: string
}

const en: Texts = {
  pages: {
    confirm: {
      title: 'Confirm your e-mail address',
      lead: 'One click, and the account is yours. If you did not register, close this page: nothing happens then.',
      button: 'Confirm',
      done: 'Your address is confirmed. You can sign in now.',
    },
    reset: {
      title: 'Choose a new password',
      lead: 'You will be signed out everywhere. If you did not ask for this, close this page: your password stays as it is.',
      button: 'Set the password',
      done: 'Your new password is set. Sign in with it.',
    },
    'change-email': {
      title: 'Change of your e-mail address',
      lead: 'The address changes when both the old and the new one have agreed. If this was not you, close this page and change your password.',
      button: 'Agree',
      done: 'Your address is changed. From now on sign in with the new one.',
    },
    invitation: {
      title: 'Welcome',
      lead: 'An account was made for you. Choose its password, then sign in with your e-mail address.',
      button: 'Set the password',
      done: 'Your password is set. You can sign in now.',
    },
  },
  half: 'Thank you. Now open the link in the mail to the other address.',
  password: 'New password',
  password_hint: 'At least 8 characters. Several words that do not belong together are easy to keep and hard to guess.',
  show: 'Show the password',
  revoke_keys: 'End my API keys too',
  working: 'One moment …',
  no_token: 'This address is not complete. Open the link in the mail once more, or copy all of it.',
  no_script: 'This page needs JavaScript, so that your link stays out of the logs of servers.',
  link_not_valid:
    'This link no longer works: it was used, has expired, or a newer one took its place. Ask for another.',
  email_taken: 'This address has an account already. Sign in, or ask for a new password.',
  bad_field: 'This password is too short or too easy to guess. Choose another.',
  too_many_attempts: 'Too many attempts. Wait a while and try again.',
  failed: 'That did not work. Check your connection and try again.',
  language: 'Language',
}

const bn: Texts = {
  pages: {
    confirm: {
      title: 'আপনার ই-মেইল ঠিকানা নিশ্চিত করুন',
      lead: 'একটি ক্লিকেই অ্যাকাউন্টটি আপনার। আপনি নিবন্ধন না করে থাকলে পাতাটি বন্ধ করুন: কিছুই ঘটবে না।',
      button: 'নিশ্চিত করুন',
      done: 'আপনার ঠিকানা নিশ্চিত হয়েছে। এখন সাইন ইন করতে পারেন।',
    },
    reset: {
      title: 'নতুন পাসওয়ার্ড বেছে নিন',
      lead: 'সব জায়গা থেকে আপনি সাইন আউট হবেন। আপনি এটি না চেয়ে থাকলে পাতাটি বন্ধ করুন: পাসওয়ার্ড আগের মতোই থাকবে।',
      button: 'পাসওয়ার্ড সেট করুন',
      done: 'নতুন পাসওয়ার্ড সেট হয়েছে। এটি দিয়ে সাইন ইন করুন।',
    },
    'change-email': {
      title: 'ই-মেইল ঠিকানা পরিবর্তন',
      lead: 'পুরোনো ও নতুন দুই ঠিকানাই সম্মতি দিলে পরিবর্তন হবে। এটি আপনি না হলে পাতাটি বন্ধ করে পাসওয়ার্ড বদলান।',
      button: 'সম্মতি দিন',
      done: 'আপনার ঠিকানা বদলেছে। এখন থেকে নতুন ঠিকানা দিয়ে সাইন ইন করুন।',
    },
    invitation: {
      title: 'স্বাগতম',
      lead: 'আপনার জন্য একটি অ্যাকাউন্ট তৈরি হয়েছে। পাসওয়ার্ড বেছে নিন, তারপর আপনার ই-মেইল ঠিকানা দিয়ে সাইন ইন করুন।',
      button: 'পাসওয়ার্ড সেট করুন',
      done: 'আপনার পাসওয়ার্ড সেট হয়েছে। এখন সাইন ইন করতে পারেন।',
    },
  },
  half: 'ধন্যবাদ। এবার অন্য ঠিকানার মেইলের লিংকটি খুলুন।',
  password: 'নতুন পাসওয়ার্ড',
  password_hint: 'অন্তত ৮টি অক্ষর। পরস্পর সম্পর্কহীন কয়েকটি শব্দ মনে রাখা সহজ, অনুমান করা কঠিন।',
  show: 'পাসওয়ার্ড দেখান',
  revoke_keys: 'আমার API কী-গুলোও বাতিল করুন',
  working: 'একটু অপেক্ষা করুন …',
  no_token: 'ঠিকানাটি সম্পূর্ণ নয়। মেইলের লিংকটি আবার খুলুন, অথবা পুরোটা কপি করুন।',
  no_script: 'এই পাতার জন্য JavaScript দরকার, যাতে আপনার লিংক সার্ভারের লগে না থাকে।',
  link_not_valid: 'লিংকটি আর কাজ করে না: এটি ব্যবহৃত, মেয়াদোত্তীর্ণ, অথবা নতুন একটি এসেছে। আরেকটি চান।',
  email_taken: 'এই ঠিকানায় আগে থেকেই একটি অ্যাকাউন্ট আছে। সাইন ইন করুন, অথবা নতুন পাসওয়ার্ড চান।',
  bad_field: 'পাসওয়ার্ডটি খুব ছোট বা সহজে অনুমান করা যায়। অন্য একটি বেছে নিন।',
  too_many_attempts: 'অনেকবার চেষ্টা হয়েছে। কিছুক্ষণ পরে আবার চেষ্টা করুন।',
  failed: 'কাজটি হয়নি। সংযোগ দেখে আবার চেষ্টা করুন।',
  language: 'ভাষা',
}

const ru: Texts = {
  pages: {
    confirm: {
      title: 'Подтвердите адрес почты',
      lead: 'Одно нажатие — и учётная запись ваша. Если вы не регистрировались, закройте страницу: ничего не произойдёт.',
      button: 'Подтвердить',
      done: 'Адрес подтверждён. Теперь можно войти.',
    },
    reset: {
      title: 'Выберите новый пароль',
      lead: 'Вы выйдете на всех устройствах. Если вы об этом не просили, закройте страницу: пароль останется прежним.',
      button: 'Установить пароль',
      done: 'Новый пароль установлен. Войдите с ним.',
    },
    'change-email': {
      title: 'Смена адреса почты',
      lead: 'Адрес сменится, когда согласятся и старый, и новый. Если это не вы, закройте страницу и смените пароль.',
      button: 'Согласиться',
      done: 'Адрес изменён. Теперь входите с новым.',
    },
    invitation: {
      title: 'Добро пожаловать',
      lead: 'Для вас создана учётная запись. Выберите пароль и войдите с адресом своей почты.',
      button: 'Установить пароль',
      done: 'Пароль установлен. Теперь можно войти.',
    },
  },
  half: 'Спасибо. Теперь откройте ссылку в письме на другой адрес.',
  password: 'Новый пароль',
  password_hint: 'Не менее 8 знаков. Несколько не связанных между собой слов легко запомнить и трудно угадать.',
  show: 'Показать пароль',
  revoke_keys: 'Отозвать и мои ключи API',
  working: 'Минуту …',
  no_token: 'Адрес неполный. Откройте ссылку из письма ещё раз или скопируйте её целиком.',
  no_script: 'Этой странице нужен JavaScript, чтобы ваша ссылка не попала в журналы серверов.',
  link_not_valid: 'Ссылка больше не работает: она использована, истекла или заменена новой. Запросите другую.',
  email_taken: 'У этого адреса уже есть учётная запись. Войдите или запросите новый пароль.',
  bad_field: 'Пароль слишком короткий или его легко угадать. Выберите другой.',
  too_many_attempts: 'Слишком много попыток. Подождите и попробуйте снова.',
  failed: 'Не получилось. Проверьте соединение и попробуйте снова.',
  language: 'Язык',
}

export const TEXTS: Readonly<Record<Locale, Texts>> = { en, bn, ru }
