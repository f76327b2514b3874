"""What the demo's hospital tells everybody, by telephone and at /information. The people, the
hospital and the medicines are invented.

Entering it again changes nothing that is there.
"""

from typing import Any

from central.directory.present import mark
from central.fees.editing import as_yuan
from central.information import editing, model
from central.store import Tx

_EXPERTS: tuple[dict[str, Any], ...] = (
    {
        "code": "101", "title_zh": "沈明华", "title_en": "Shen Minghua", "rank": "chief",
        "department_zh": "心内科", "department_en": "Cardiology",
        "specialities_zh": "高血压、冠心病、心律失常",
        "specialities_en": "High blood pressure, coronary disease, irregular heartbeat",
        "clinic_zh": "周一、周三上午 8:00-11:30,门诊楼 2 楼",
        "clinic_en": "Monday and Wednesday 8:00-11:30, outpatient building, floor 2",
        "text_zh": "从医 28 年。擅长为用药多年而血压仍控制不好的病人调整方案。",
        "text_en": "A physician for 28 years. Helps patients whose blood pressure stays high"
        " although they have taken medicines for years.",
    },
    {
        "code": "102", "title_zh": "顾若兰", "title_en": "Gu Ruolan", "rank": "associate",
        "department_zh": "儿科", "department_en": "Children's medicine",
        "specialities_zh": "小儿哮喘、过敏", "specialities_en": "Asthma and allergies of children",
        "clinic_zh": "周二、周五 14:00-17:00,门诊楼 1 楼",
        "clinic_en": "Tuesday and Friday 14:00-17:00, outpatient building, floor 1",
        "text_zh": "请带上孩子正在用的药。",
        "text_en": "Please bring the medicines that the child takes.",
    },
    {
        "code": "103", "title_zh": "罗振东", "title_en": "Luo Zhendong", "rank": "chief",
        "department_zh": "骨科", "department_en": "Orthopaedics",
        "specialities_zh": "膝关节、髋关节置换", "specialities_en": "Replacement of knees and hips",
        "clinic_zh": "周四 8:30-11:30", "clinic_en": "Thursday 8:30-11:30",
        "text_zh": "首次就诊请带以前的片子。",
        "text_en": "Bring earlier X-rays to the first visit.",
    },
)  # fmt: skip
_HOSPITAL = (
    {
        "code": "201", "title_zh": "门诊时间", "title_en": "Opening hours",
        "text_zh": "门诊:周一至周六 8:00-11:30,14:00-17:30。\n"
        "急诊全天 24 小时开放,从南门进入。\n探视时间:每天 15:00-19:00,每床最多 2 人。",
        "text_en": "Outpatients: Monday to Saturday 8:00-11:30 and 14:00-17:30.\n"
        "Emergencies at any time, by the south gate.\n"
        "Visiting hours: every day 15:00-19:00, at most 2 visitors at a bed.",
    },
    {
        "code": "202", "title_zh": "关于我们", "title_en": "About us",
        "text_zh": "医院建于 1958 年,有 2 个病区楼、35 个科室。住院、检查和取药都凭就诊卡办理。"
        "没有带卡的病人,请到一楼挂号处用身份证补办。进院请先在门口取号,按屏幕上的号码就诊。"
        "各楼层都有导医,看不清、听不清或行动不便时请找她们帮忙。轮椅在一楼服务台免费借用。",
        "text_en": "The hospital was founded in 1958 and has 35 departments in 2 buildings."
        " Stays, examinations and medicines all go by the patient's card. Without a card, have a"
        " new one made at the registry on the ground floor with an identity paper. Take a number"
        " at the entrance and wait until the screen shows it. There are guides on every floor: ask"
        " them when something is hard to see, to hear or to reach. Wheelchairs are lent free of"
        " charge at the service desk.",
    },
)  # fmt: skip
_POLICY = (
    {
        "code": "301", "title_zh": "住院怎样报销", "title_en": "What insurance pays of a stay",
        "text_zh": "住院费用先扣起付线,余下的甲类药品和项目按比例报销,一般为 70%-90%。"
        "乙类先自付一部分再按比例报销,丙类全部自费。出院结算时带上医保卡即可当场报销。"
        "以医保部门的规定为准。",
        "text_en": "From the cost of a stay the deductible is taken first. Of the rest, class A"
        " medicines and services are paid in part, usually 70-90%. Of class B a first part is"
        " yours, class C is all yours. Bring the insurance card when you are discharged: it is"
        " settled at once. What the insurance office says counts.",
    },
)  # fmt: skip
_MEDICINES: tuple[dict[str, Any], ...] = (
    {
        "code": "10001", "title_zh": "阿莫西林胶囊", "title_en": "Amoxicillin capsules",
        "spec_zh": "0.25 克×24 粒/盒", "spec_en": "0.25 g × 24 capsules/box", "price_fen": 1250,
        "unit_zh": "盒", "unit_en": "box", "insured": "A",
        "text_zh": "凭处方购买。青霉素过敏者不可使用。",
        "text_en": "On prescription only. Not for people who are allergic to penicillin.",
    },
    {
        "code": "10002", "title_zh": "氨氯地平片", "title_en": "Amlodipine tablets",
        "spec_zh": "5 毫克×14 片/盒", "spec_en": "5 mg × 14 tablets/box", "price_fen": 2860,
        "unit_zh": "盒", "unit_en": "box", "insured": "B",
        "text_zh": "每天 1 次,每天同一时间服用。不要自行停药。",
        "text_en": "Once a day, always at the same time. Do not stop by yourself.",
    },
)  # fmt: skip
_ADVICE = (
    {
        "code": "601", "title_zh": "在家量血压", "title_en": "Measuring blood pressure at home",
        "text_zh": "先安静坐 5 分钟。上臂与心脏同高,不说话。早晚各量 2 次,记下数值带来看医生。",
        "text_en": "Sit quietly for 5 minutes first. Keep the arm as high as the heart and do not"
        " talk. Measure twice in the morning and twice in the evening, and bring what you wrote"
        " down.",
    },
    {
        "code": "602", "title_zh": "孩子发热", "title_en": "",
        "text_zh": "体温到 38.5℃ 以上可以用退热药,多喝水。3 个月以下的婴儿发热,"
        "或者孩子抽搐、精神很差,请马上看急诊。",
        "text_en": "",
    },
)  # fmt: skip
ENTRIES: dict[str, tuple[dict[str, Any], ...]] = {
    "experts": _EXPERTS, "hospital": _HOSPITAL, "policy": _POLICY, "medicines": _MEDICINES,
    "advice": _ADVICE,
}  # fmt: skip


def enter(tx: Tx, by: str = "demo") -> None:
    """Let what is told be there, where no section has anything yet."""
    if tx.value("SELECT 1 FROM info_entries"):
        return
    for id, entries in ENTRIES.items():
        section = model.section(tx, id)
        assert section is not None
        for each in entries:
            price = as_yuan(each.get("price_fen"))
            wanted = editing.checked(section["kind"], each | {"price_fen": price})
            editing.save(tx, section, None, wanted, mark(editing.NOTHING), by)
