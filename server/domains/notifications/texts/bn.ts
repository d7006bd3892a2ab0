import type { Kind } from './kinds.ts'
import type { MessageTexts, PluralTemplate } from './template.ts'

const SEEN = 'কখন: {{at}}\nকোথা থেকে: {{device}}, {{ip}}'

/** Bengali says the same of one and of many here. */
function both(text: string, by = 'count'): PluralTemplate {
  return { by, one: text, other: text }
}

export const BN: Readonly<Record<Kind, MessageTexts>> = {
  confirm_email: {
    title: 'আপনার ইমেইল ঠিকানা নিশ্চিত করুন',
    body: 'স্বাগতম। ঠিকানাটি নিশ্চিত করে অ্যাকাউন্ট খুলতে বোতামটি চাপুন।\n\nলিংকটি একবারই কাজ করবে, {{expires_at}} পর্যন্ত।',
    action: 'ঠিকানা নিশ্চিত করুন',
  },
  reset_password: {
    title: 'নতুন পাসওয়ার্ড বেছে নিন',
    body: 'কেউ এই ঠিকানার অ্যাকাউন্টের জন্য নতুন পাসওয়ার্ড চেয়েছেন।\n\nলিংকটি একবারই কাজ করবে, {{expires_at}} পর্যন্ত।',
    action: 'পাসওয়ার্ড বেছে নিন',
  },
  confirm_new_email: {
    title: 'আপনার নতুন ইমেইল ঠিকানা নিশ্চিত করুন',
    body: 'এই ঠিকানাটি আপনার অ্যাকাউন্টের ঠিকানা হতে যাচ্ছে। সম্মতি দিতে বোতামটি চাপুন।\n\nলিংকটি একবারই কাজ করবে, {{expires_at}} পর্যন্ত। আগের ঠিকানা থেকেও সম্মতি লাগবে।',
    action: 'এই ঠিকানা ব্যবহার করুন',
  },
  confirm_old_email: {
    title: 'আপনার ইমেইল ঠিকানা বদলানোর অনুরোধ',
    body: 'আপনার অ্যাকাউন্টে সাইন ইন করা কেউ এটি অন্য ঠিকানায় নিতে চেয়েছেন। এটি আপনি হলে তবেই বোতামটি চাপুন।\n\nলিংকটি একবারই কাজ করবে, {{expires_at}} পর্যন্ত।',
    action: 'পরিবর্তনে সম্মতি দিন',
  },
  accept_invitation: {
    title: 'আপনার জন্য একটি অ্যাকাউন্ট তৈরি হয়েছে',
    body: 'আমাদের একজন কর্মী এই ঠিকানার জন্য একটি অ্যাকাউন্ট তৈরি করেছেন। পাসওয়ার্ড বেছে নিতে বোতামটি চাপুন।\n\nলিংকটি একবারই কাজ করবে, {{expires_at}} পর্যন্ত। এরপর সাইন ইন করার পাতায় নতুন পাসওয়ার্ড চান।',
    action: 'পাসওয়ার্ড বেছে নিন',
  },
  signed_in_from_new_device: {
    title: 'আপনার অ্যাকাউন্টে নতুন সাইন ইন',
    body: `একটি নতুন ডিভাইস থেকে আপনার অ্যাকাউন্টে সাইন ইন করা হয়েছে।\n\n${SEEN}`,
  },
  password_changed: { title: 'আপনার পাসওয়ার্ড বদলানো হয়েছে', body: `আপনার অ্যাকাউন্টের পাসওয়ার্ড এখন নতুন।\n\n${SEEN}` },
  email_changed: { title: 'আপনার ইমেইল ঠিকানা বদলানো হয়েছে', body: `আপনার অ্যাকাউন্টে এখন অন্য ইমেইল ঠিকানা।\n\n${SEEN}` },
  totp_enabled: { title: 'দুই ধাপের সাইন ইন চালু', body: `এখন থেকে সাইন ইন করতে অথেনটিকেটরের কোড লাগবে।\n\n${SEEN}` },
  totp_disabled: { title: 'দুই ধাপের সাইন ইন বন্ধ', body: `সাইন ইন করতে আবার শুধু পাসওয়ার্ড লাগবে।\n\n${SEEN}` },
  recovery_code_used: {
    title: 'একটি পুনরুদ্ধার কোড ব্যবহার হয়েছে',
    body: `কেউ আপনার একটি পুনরুদ্ধার কোড দিয়ে সাইন ইন করেছেন। কোডটি আর কাজ করবে না।\n\n${SEEN}`,
  },
  recovery_codes_renewed: {
    title: 'নতুন পুনরুদ্ধার কোড',
    body: `নতুন পুনরুদ্ধার কোড তৈরি হয়েছে; আগেরগুলো আর কাজ করবে না।\n\n${SEEN}`,
  },
  api_key_created: { title: 'নতুন এপিআই কী', body: `আপনার অ্যাকাউন্টের জন্য একটি এপিআই কী তৈরি হয়েছে।\n\n${SEEN}` },
  api_key_rotated: {
    title: 'একটি এপিআই কী বদলানো হয়েছে',
    body: `আপনার অ্যাকাউন্টের একটি এপিআই কী নতুন কী দিয়ে বদলানো হয়েছে।\n\n${SEEN}`,
  },
  blocked: {
    title: 'আপনার অ্যাকাউন্ট ব্লক করা হয়েছে',
    body: '{{at}} আপনার অ্যাকাউন্ট ব্লক করা হয়েছে। সব জায়গা থেকে সাইন আউট হয়েছে। কারণ জানা না থাকলে আমাদের লিখুন।',
  },
  unblocked: { title: 'আপনার অ্যাকাউন্ট আবার খোলা', body: '{{at}} আপনার অ্যাকাউন্টের ব্লক তোলা হয়েছে। আগের মতো সাইন ইন করতে পারবেন।' },
  address_already_registered: {
    title: 'আপনার আগে থেকেই একটি অ্যাকাউন্ট আছে',
    body: `কেউ, হয়তো আপনি, এই ঠিকানাটি নতুন বা অন্য অ্যাকাউন্টে ব্যবহার করতে চেয়েছেন। এই ঠিকানায় আপনার অ্যাকাউন্ট আছে: সাইন ইন করুন, অথবা নতুন পাসওয়ার্ড চান।\n\n${SEEN}`,
  },
  telegram_linked: {
    title: 'টেলিগ্রাম যুক্ত হয়েছে',
    body: '“{{chat}}” চ্যাটটি {{at}} আপনার অ্যাকাউন্টে যুক্ত হয়েছে এবং আপনার বার্তা পাবে।',
  },
  orders_completed: {
    title: both('{{count}}টি অর্ডার সম্পন্ন'),
    body: both('সম্পন্ন অর্ডার: {{orders}}।'),
  },
  orders_returned: {
    title: both('{{count}}টি অর্ডারের টাকা ফেরত'),
    body: 'আংশিক সম্পন্ন: {{partial}}। বাতিল: {{cancelled}}। যা দেওয়া হয়নি তার টাকা আপনার ব্যালেন্সে ফিরেছে।\n\nঅর্ডার: {{orders}}।',
  },
  balance_adjusted: {
    title: 'আপনার ব্যালেন্স সমন্বয় হয়েছে: {{amount}}',
    body: '{{at}} আপনার ব্যালেন্স {{amount}} সমন্বয় করা হয়েছে।\n\nকারণ: {{reason}}',
  },
  deposit_approved: {
    title: 'আপনার জমা ব্যালেন্সে যোগ হয়েছে: {{amount}}',
    body: '{{at}} আপনার পেমেন্ট {{reference}} বাবদ {{amount}} ব্যালেন্সে যোগ করা হয়েছে।',
  },
  deposit_corrected: {
    title: 'আপনার জমা ব্যালেন্সে যোগ হয়েছে: {{amount}}',
    body: '{{at}} আপনার পেমেন্ট {{reference}} বাবদ {{amount}} ব্যালেন্সে যোগ করা হয়েছে। আপনি জানিয়েছিলেন {{asked}}।\n\nকারণ: {{reason}}',
  },
  deposit_refused: {
    title: 'আপনার {{amount}} জমা গ্রহণ করা হয়নি',
    body: '{{at}} আপনার {{amount}} জমা (রেফারেন্স {{reference}}) ফিরিয়ে দেওয়া হয়েছে।\n\nকারণ: {{reason}}',
  },
  deposit_expired: {
    title: 'আপনার {{amount}} জমার মেয়াদ শেষ',
    body: 'আপনার {{amount}} জমার (রেফারেন্স {{reference}}) উত্তর সময়মতো দেওয়া হয়নি; {{at}} এর মেয়াদ শেষ হয়েছে। আমরা দুঃখিত। টাকা পাঠিয়ে থাকলে আবার জানান।',
  },
  order_refunded: {
    title: 'ফেরত আপনার ব্যালেন্সে যোগ হয়েছে: {{amount}}',
    body: '{{at}} আপনার অর্ডার {{order}} বাবদ {{amount}} ফেরত দেওয়া হয়েছে।\n\nকারণ: {{reason}}',
  },
  refill_completed: {
    title: 'অর্ডার {{order}} রিফিল করা হয়েছে',
    body: 'আপনার অর্ডার {{order}}-এর রিফিল {{refill}} {{at}} সম্পন্ন হয়েছে।',
  },
  refill_rejected: {
    title: 'অর্ডার {{order}} রিফিল করা যায়নি',
    body: 'আপনার অর্ডার {{order}}-এর রিফিল {{refill}} করা হয়নি; {{at}} তা শেষ হয়েছে। ভুল মনে হলে আমাদের সাপোর্টে জানান।',
  },
  webhook_disabled: {
    title: 'একটি ওয়েবহুক বন্ধ করা হয়েছে',
    body: '{{at}} থেকে {{endpoint}} ঠিকানায় আর ইভেন্ট পাঠানো হচ্ছে না।\n\nকারণ: {{reason}}\n\nযা পৌঁছায়নি তা রাখা আছে। ঠিক করে চালু করুন এবং আবার পাঠাতে বলুন।',
  },
  telegram_off: {
    title: 'টেলিগ্রাম বন্ধ',
    body: '{{at}} থেকে আপনার টেলিগ্রাম চ্যাটে আর বার্তা যাচ্ছে না: {{reason}}। সেটিংস থেকে আবার যুক্ত করতে পারবেন।',
  },
  test_message: { title: 'পরীক্ষা', body: 'পথটি পরীক্ষা করতে {{at}} এই বার্তা পাঠানো হয়েছে। এটি পৌঁছেছে।' },
  alert_provider_down: {
    title: 'প্রোভাইডার অচল: {{provider}}',
    body: '{{since}} থেকে {{provider}}-এর কাছে অর্ডার যাচ্ছে না।\n\nকারণ: {{reason}}',
  },
  alert_provider_balance_low: {
    title: 'ব্যালেন্স কম: {{provider}}',
    body: '{{provider}}-এর কাছে আমাদের ব্যালেন্স {{balance}}, যা {{threshold}}-এর কম। যে অর্ডারে এটি কুলায় না, তা ব্যর্থ হবে।',
  },
  alert_provider_balance_ending: {
    title: 'ব্যালেন্স শেষ হয়ে আসছে: {{provider}}',
    body: both('{{provider}}-এর কাছে আমাদের ব্যালেন্স {{balance}}; অর্ডার এভাবে চললে তা প্রায় {{hours}} ঘণ্টা চলবে।', 'hours'),
  },
  alert_prices_not_refreshed: {
    title: 'দাম হালনাগাদ হয়নি: {{provider}}',
    body: '{{since}} থেকে {{provider}}-এর দাম তার বর্তমান দামের সঙ্গে মেলানো যায়নি।\n\nকারণ: {{reason}}\n\nতার তালিকা ঠিক থাকলে accept_shrunken দিয়ে দাম হালনাগাদ করুন।',
  },
  alert_source_quarantined: {
    title: 'স্থগিত: {{service}}',
    body: '{{since}} থেকে {{until}} পর্যন্ত {{service}}-এর অর্ডার {{provider}}-এর কাছে যাবে না; অন্য কোথাও সম্ভব হলে সেখানে যাবে। তারপর একটি অর্ডার দিয়ে পরীক্ষা করা হবে।\n\nকারণ: {{reason}}',
  },
  alert_queue_long: {
    title: 'কাজ জমছে: {{queue}}',
    body: both('{{count}}টি অপেক্ষায়, সবচেয়ে পুরোনোটি {{minutes}} মিনিট ধরে।'),
  },
  alert_orders_waiting: {
    title: 'অর্ডার সিদ্ধান্তের অপেক্ষায়',
    body: both('{{count}}টি অর্ডার ব্যর্থ বা ফল অজানা। টাকা আটকে রাখা আছে।'),
  },
  alert_deposits_waiting: {
    title: 'জমা উত্তরের অপেক্ষায়',
    body: both('{{count}}টি জমা উত্তরের অপেক্ষায়, সবচেয়ে পুরোনোটি {{minutes}} মিনিট ধরে।'),
  },
  alert_refills_waiting: {
    title: 'রিফিল কর্মীর অপেক্ষায়',
    body: both('{{count}}টি রিফিল কর্মীর অপেক্ষায়, সবচেয়ে পুরোনোটি {{minutes}} মিনিট ধরে।'),
  },
  alert_ledger_unsound: {
    title: 'খতিয়ান মিলছে না',
    body: '{{since}} তারিখের যাচাইয়ে পাওয়া গেছে:\n\n{{problem}}\n\n“saldo verify” চালান, এবং কারণ না বোঝা পর্যন্ত হাতে কিছু ঠিক করবেন না।',
  },
  alert_ledger_unproven: { title: 'খতিয়ান যাচাই করা যায়নি', body: '{{since}} থেকে রাতের যাচাই শেষ হচ্ছে না: {{reason}}' },
  alert_dead_letters: {
    title: 'পরিত্যক্ত কাজ',
    body: both('{{count}}টি কাজ বা ইভেন্ট ছেড়ে দেওয়া হয়েছে এবং সিদ্ধান্তের অপেক্ষায়।'),
  },
  alert_messages_stuck: {
    title: 'বার্তা যাচ্ছে না: {{channel}}',
    body: both('{{count}}টি বার্তা অপেক্ষায়, সবচেয়ে পুরোনোটি {{minutes}} মিনিট ধরে।'),
  },
  alert_disk_low: { title: 'ডিস্ক প্রায় ভর্তি', body: 'খালি: {{percent}} %, {{megabytes}} এমবি।' },
  alert_connections_few: {
    title: 'ডেটাবেসের সংযোগ প্রায় শেষ',
    body: '{{most}}টির মধ্যে {{count}}টি সংযোগ ব্যবহারে আছে। সব শেষ হলে কোনো উত্তর মিলবে না: যা সংযোগ ধরে রেখেছে তা থামান, অথবা max_connections বাড়ান।',
  },
  alert_critical_error: {
    title: 'গুরুতর ত্রুটি: {{error}}',
    body: both('{{place}}-এ {{error}}। {{count}} বার ঘটেছে, প্রথমবার {{since}}।\n\nকী ঘটেছে তা গুরুতর ত্রুটির তালিকায় দেখুন।'),
  },
  alert_errors_many: { title: 'অনেক ত্রুটি', body: both('গত এক মিনিটে {{count}}টি ত্রুটি।') },
  all_clear: {
    title: 'বিপদ কেটেছে: {{alert}}',
    body: 'কিছুক্ষণ ধরে সব আবার ঠিক আছে। শুরু {{since}}, চলেছে {{minutes}} মিনিট।',
  },
}
