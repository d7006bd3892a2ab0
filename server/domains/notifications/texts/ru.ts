import type { Kind } from './kinds.ts'
import type { MessageTexts } from './template.ts'

const SEEN = 'Когда: {{at}}\nОткуда: {{device}}, {{ip}}'

export const RU: Readonly<Record<Kind, MessageTexts>> = {
  confirm_email: {
    title: 'Подтвердите адрес почты',
    body: 'Добро пожаловать. Нажмите кнопку, чтобы подтвердить этот адрес и открыть учётную запись.\n\nСсылка сработает один раз, до {{expires_at}}.',
    action: 'Подтвердить адрес',
  },
  reset_password: {
    title: 'Выберите новый пароль',
    body: 'Кто-то запросил новый пароль для учётной записи с этим адресом.\n\nСсылка сработает один раз, до {{expires_at}}.',
    action: 'Выбрать пароль',
  },
  confirm_new_email: {
    title: 'Подтвердите новый адрес почты',
    body: 'Этот адрес должен стать адресом вашей учётной записи. Нажмите кнопку, чтобы согласиться.\n\nСсылка сработает один раз, до {{expires_at}}. Согласие нужно и с прежнего адреса.',
    action: 'Использовать этот адрес',
  },
  confirm_old_email: {
    title: 'Адрес почты хотят сменить',
    body: 'Кто-то, вошедший в вашу учётную запись, попросил перевести её на другой адрес. Нажмите кнопку, только если это были вы.\n\nСсылка сработает один раз, до {{expires_at}}.',
    action: 'Согласиться на смену',
  },
  signed_in_from_new_device: {
    title: 'Новый вход в учётную запись',
    body: `В вашу учётную запись вошли с нового устройства.\n\n${SEEN}`,
  },
  password_changed: { title: 'Пароль изменён', body: `У вашей учётной записи новый пароль.\n\n${SEEN}` },
  email_changed: { title: 'Адрес почты изменён', body: `У вашей учётной записи теперь другой адрес почты.\n\n${SEEN}` },
  totp_enabled: { title: 'Двухэтапный вход включён', body: `Теперь для входа нужен код из приложения.\n\n${SEEN}` },
  totp_disabled: { title: 'Двухэтапный вход выключен', body: `Для входа снова достаточно пароля.\n\n${SEEN}` },
  recovery_code_used: {
    title: 'Использован код восстановления',
    body: `Кто-то вошёл с одним из ваших кодов восстановления. Больше он не действует.\n\n${SEEN}`,
  },
  recovery_codes_renewed: {
    title: 'Новые коды восстановления',
    body: `Созданы новые коды восстановления; прежние больше не действуют.\n\n${SEEN}`,
  },
  api_key_created: { title: 'Новый ключ API', body: `Для вашей учётной записи создан ключ API.\n\n${SEEN}` },
  api_key_rotated: { title: 'Ключ API заменён', body: `Ключ API вашей учётной записи заменён новым.\n\n${SEEN}` },
  blocked: {
    title: 'Учётная запись заблокирована',
    body: 'Ваша учётная запись заблокирована {{at}}. Все входы завершены. Если причина вам неизвестна, напишите нам.',
  },
  unblocked: {
    title: 'Учётная запись снова открыта',
    body: 'Ваша учётная запись разблокирована {{at}}. Войти можно как прежде.',
  },
  address_already_registered: {
    title: 'У вас уже есть учётная запись',
    body: `Кто-то, возможно вы, указал этот адрес для новой или другой учётной записи. У вас уже есть учётная запись с ним: войдите или запросите новый пароль.\n\n${SEEN}`,
  },
  telegram_linked: {
    title: 'Telegram подключён',
    body: 'Чат «{{chat}}» подключён к вашей учётной записи {{at}} и получает ваши сообщения.',
  },
  orders_completed: {
    title: {
      by: 'count',
      one: 'Выполнен {{count}} заказ',
      few: 'Выполнено {{count}} заказа',
      many: 'Выполнено {{count}} заказов',
      other: 'Выполнено {{count}} заказа',
    },
    body: {
      by: 'count',
      one: 'Выполнены заказы: {{orders}}.',
      few: 'Выполнены заказы: {{orders}}.',
      many: 'Выполнены заказы: {{orders}}.',
      other: 'Выполнены заказы: {{orders}}.',
    },
  },
  orders_returned: {
    title: {
      by: 'count',
      one: 'Возврат за {{count}} заказ',
      few: 'Возврат за {{count}} заказа',
      many: 'Возврат за {{count}} заказов',
      other: 'Возврат за {{count}} заказа',
    },
    body: 'Выполнено частично: {{partial}}. Отменено: {{cancelled}}. Оплата за невыполненное вернулась на ваш баланс.\n\nЗаказы: {{orders}}.',
  },
  balance_adjusted: {
    title: 'Баланс изменён: {{amount}}',
    body: '{{at}} ваш баланс изменён на {{amount}}.\n\nПричина: {{reason}}',
  },
  webhook_disabled: {
    title: 'Вебхук выключен',
    body: 'С {{at}} мы не отправляем события на {{endpoint}}.\n\nПричина: {{reason}}\n\nПропущенное сохранено. Исправьте адрес, включите его и запросите отправку заново.',
  },
  telegram_off: {
    title: 'Telegram выключен',
    body: 'С {{at}} сообщения не приходят в ваш чат Telegram: {{reason}}. Подключить его снова можно в настройках.',
  },
  test_message: { title: 'Проверка', body: 'Это сообщение отправлено {{at}}, чтобы проверить доставку. Оно дошло.' },
  alert_provider_down: {
    title: 'Поставщик недоступен: {{provider}}',
    body: 'С {{since}} заказы не уходят к {{provider}}.\n\nПричина: {{reason}}',
  },
  alert_provider_balance_low: {
    title: 'Мало средств: {{provider}}',
    body: 'Наш баланс у {{provider}}: {{balance}}, ниже {{threshold}}. Заказы, на которые его не хватает, не выполняются.',
  },
  alert_queue_long: {
    title: 'Заказы копятся: {{provider}}',
    body: {
      by: 'count',
      one: '{{count}} заказ ждёт {{provider}}, {{minutes}} мин.',
      few: '{{count}} заказа ждут {{provider}}, самый старый {{minutes}} мин.',
      many: '{{count}} заказов ждут {{provider}}, самый старый {{minutes}} мин.',
      other: '{{count}} заказа ждут {{provider}}, самый старый {{minutes}} мин.',
    },
  },
  alert_orders_waiting: {
    title: 'Заказы ждут решения',
    body: {
      by: 'count',
      one: '{{count}} заказ не прошёл, или его судьба неизвестна. Деньги удержаны.',
      few: '{{count}} заказа не прошли, или их судьба неизвестна. Деньги удержаны.',
      many: '{{count}} заказов не прошли, или их судьба неизвестна. Деньги удержаны.',
      other: '{{count}} заказа не прошли, или их судьба неизвестна. Деньги удержаны.',
    },
  },
  alert_ledger_unsound: {
    title: 'Книга счетов не сходится',
    body: 'Проверка {{since}} нашла:\n\n{{problem}}\n\nЗапустите «saldo verify» и не исправляйте ничего вручную, пока причина не ясна.',
  },
  alert_ledger_unproven: {
    title: 'Книгу счетов не удалось проверить',
    body: 'Ночная проверка не завершается с {{since}}: {{reason}}',
  },
  alert_outbox_stuck: {
    title: 'События копятся',
    body: {
      by: 'count',
      one: '{{count}} событие не доставлено, {{minutes}} мин.',
      few: '{{count}} события не доставлены, самое старое {{minutes}} мин.',
      many: '{{count}} событий не доставлено, самое старое {{minutes}} мин.',
      other: '{{count}} события не доставлено, самое старое {{minutes}} мин.',
    },
  },
  alert_dead_letters: {
    title: 'Недоставленные задания',
    body: {
      by: 'count',
      one: '{{count}} задание или событие отложено и ждёт решения.',
      few: '{{count}} задания или события отложены и ждут решения.',
      many: '{{count}} заданий или событий отложено и ждёт решения.',
      other: '{{count}} задания или события отложено и ждёт решения.',
    },
  },
  alert_messages_stuck: {
    title: 'Сообщения не уходят: {{channel}}',
    body: {
      by: 'count',
      one: '{{count}} сообщение ждёт, {{minutes}} мин.',
      few: '{{count}} сообщения ждут, самое старое {{minutes}} мин.',
      many: '{{count}} сообщений ждут, самое старое {{minutes}} мин.',
      other: '{{count}} сообщения ждут, самое старое {{minutes}} мин.',
    },
  },
  alert_critical_errors: {
    title: 'Критические ошибки',
    body: {
      by: 'count',
      one: '{{count}} раз с {{since}}: {{error}}',
      few: '{{count}} раза с {{since}}: {{error}}',
      many: '{{count}} раз с {{since}}: {{error}}',
      other: '{{count}} раза с {{since}}: {{error}}',
    },
  },
  alert_database: { title: 'База данных требует внимания', body: '{{reason}}' },
  alert_disk_low: { title: 'Диск почти заполнен', body: 'Свободно: {{percent}} %, {{megabytes}} МБ.' },
  all_clear: { title: 'Отбой: {{alert}}', body: 'Всё снова в порядке. Началось {{since}}, длилось {{minutes}} мин.' },
}
