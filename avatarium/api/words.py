"""The general sentences of the API in Chinese, for clients that send ``x-lang: zh-CN``.

What the engine says about a picture, a text or a recording stays English: it names things that only the engine knows.
"""

from __future__ import annotations

CHINESE = {
    "no_key": "缺少 API 密钥。请在请求头中发送 Authorization: Bearer sk_...。",
    "no_token": "缺少 API 密钥。请在请求头中发送 Authorization: Bearer sk_...。",
    "key_elsewhere": "API 密钥只能放在请求头 Authorization: Bearer sk_... 中。",
    "bad_token": "API 密钥无效。请检查密钥，或创建新的密钥。",
    "token_expired": "API 密钥或令牌已过期。请创建新的密钥或重新登录。",
    "token_revoked": "API 密钥或令牌已失效。请创建新的密钥或重新登录。",
    "bad_login": "用户名或密码不正确。",
    "user_disabled": "此账户已停用。请联系管理员。",
    "wrong_origin": "此密钥不允许从该网页使用。",
    "admin_only": "此操作需要管理员的密钥。",
    "scope_missing": "此密钥没有执行该操作的权限。",
    "task_not_found": "未找到该任务。",
    "no_such_key": "未找到该密钥。",
    "no_such_user": "未找到该用户。",
    "user_exists": "用户名已被使用。请换一个用户名。",
    "file_gone": "文件已不存在。请重新生成或上传。",
    "url_expired": "链接已过期。请重新获取。",
    "bad_signature": "链接的签名无效。请使用完整的原始链接。",
    "no_route": "没有这个接口。所有接口请见 /docs。",
    "wrong_method": "此接口不支持该请求方法。",
    "too_few_coins": "金币不足。",
    "rate_limited": "请求过于频繁，请稍后再试。",
    "too_many_logins": "登录尝试过于频繁，请稍后再试。",
    "too_many_at_once": "同时进行的操作过多，请稍后再试。",
    "quota": "存储空间已满。请删除不需要的文件。",
    "too_large": "文件过大。",
    "body_too_large": "请求内容过大。请先上传文件，再发送其 URL。",
    "body_too_slow": "请求内容发送过慢，请重新发送。",
    "bad_json": "请求内容不是有效的 JSON。",
    "not_an_object": "请求内容必须是一个 JSON 对象。",
    "request_timeout": "服务器未能及时响应，请稍后再试。",
    "database_away": "数据库暂时不可用，请稍后再试。",
    "storage_full": "服务器磁盘已满，请稍后再试。",
    "storage_away": "存储服务暂时不可用，请稍后再试。",
    "not_ready": "服务尚未就绪，请稍后再试。",
    "server_error": "服务器内部错误。请将 trace_id 告知管理员。",
}
INVALID_FIELD = "参数 `{field}` 缺失或不正确。"


def is_chinese(language: str) -> bool:
    """Whether a language tag asks for Chinese."""
    return language.strip().lower().replace("_", "-").split("-")[0] == "zh"


def translated(reason: str, message: str, language: str) -> str:
    """The sentence in the language that is asked for, or as it is where there is no translation."""
    return CHINESE.get(reason, message) if is_chinese(language) else message
