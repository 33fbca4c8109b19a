"""The general sentences of the API in Chinese, for clients that send ``x-lang: zh-CN``.

What the engine says about a picture, a text or a recording stays English: it names things that only the engine knows.
"""

from __future__ import annotations

CHINESE = {
    "no_key": "缺少 API 密钥。请在请求头中发送 Authorization: Bearer sk_...。",
    "key_elsewhere": "API 密钥只能放在请求头 Authorization: Bearer sk_... 中。",
    "bad_key": "API 密钥无效、已过期或已被撤销。请创建新的密钥。",
    "bad_login": "用户名或密码不正确。",
    "admin_only": "此操作需要管理员的密钥。",
    "scope_missing": "此密钥没有执行该操作的权限。",
    "origin_refused": "此密钥不允许从该网页使用。",
    "not_found": "未找到。",
    "no_route": "没有这个接口。请在 /docs 查看所有接口。",
    "wrong_method": "此接口不支持该请求方法。",
    "too_few_coins": "金币不足。",
    "too_few_diamonds": "钻石不足。",
    "rate_limited": "请求过于频繁，请稍后再试。",
    "too_large": "请求内容过大。",
    "body_too_large": "请求内容过大。",
    "body_too_slow": "请求内容发送过慢。",
    "bad_json": "请求内容不是有效的 JSON。",
    "not_an_object": "请求内容必须是一个 JSON 对象。",
    "request_timeout": "服务器未能及时响应，请稍后再试。",
    "database_away": "数据库暂时不可用，请稍后再试。",
    "server_error": "服务器内部错误。请附上 trace_id 联系管理员。",
}
INVALID_FIELD = "参数 `{field}` 缺失或不正确。"


def is_chinese(language: str) -> bool:
    """Whether a language tag asks for Chinese."""
    return language.strip().lower().replace("_", "-").split("-")[0] == "zh"


def translated(reason: str, message: str, language: str) -> str:
    """The sentence in the language that is asked for, or as it is where there is no translation."""
    return CHINESE.get(reason, message) if is_chinese(language) else message
